// Asks for an export: what, in which form, and with how many families on the button.
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api/calls";
import type { ExportBody } from "../../api/types";
import { queryClient } from "../../app/queries";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Choose, Field, Tick } from "../../ui/Field";
import { Refusal } from "../../ui/Refusal";

/** Of one PST file, up to what Outlook opens without a warning. */
const FILE_GIGABYTES = ["2", "5", "10", "20", "45"];

export default function ExportDialog({
  matter,
  families,
  scope,
  name: suggested,
  onClose,
}: {
  matter: number | null;
  families: number;
  scope: ExportBody["scope"];
  name: string;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const [name, setName] = useState(suggested.slice(0, 120));
  const [format, setFormat] = useState<ExportBody["format"]>("eml");
  const [files, setFiles] = useState(false);
  const [eml, setEml] = useState(false);
  const [gigabytes, setGigabytes] = useState("20");
  const ask = useMutation({
    mutationFn: () =>
      api.addExport({
        matter_id: matter,
        scope,
        format,
        pst: format === "pst" ? { with_eml: eml, file_bytes_max: Number(gigabytes) * 1e9 } : undefined,
        with_attachments: files,
        name: name.trim() || undefined,
      }),
    onSuccess: (job) => {
      void queryClient.invalidateQueries({ queryKey: ["exports"] });
      void queryClient.invalidateQueries({ queryKey: ["audit"] });
      onClose();
      void navigate({ to: "/exports", search: { id: job.id } });
    },
  });
  return (
    <Dialog
      title={s.exports.newTitle(families)}
      isOpen
      onClose={onClose}
      onSubmit={() => ask.mutate()}
      foot={
        <>
          <Button onPress={onClose}>{s.ui.cancel}</Button>
          <Button kind="primary" type="submit" isPending={ask.isPending}>
            {s.exports.act(families)}
          </Button>
        </>
      }
    >
      <Field label={s.exports.name} value={name} onChange={setName} autoFocus />
      <Choose
        label={s.exports.format}
        value={format}
        onChange={(id) => setFormat(id as ExportBody["format"])}
        choices={Object.entries(s.exports.formats).map(([id, name]) => ({ id, name }))}
      />
      {format === "pst" && (
        <>
          <p className="quiet small">{s.exports.pstWhat}</p>
          <Choose
            label={s.exports.fileSize}
            hint={s.exports.fileSizeHint}
            value={gigabytes}
            onChange={setGigabytes}
            choices={FILE_GIGABYTES.map((id) => ({ id, name: `${id} GB` }))}
          />
          <Tick isSelected={eml} onChange={setEml} hint={s.exports.emlHint}>
            {s.exports.eml}
          </Tick>
        </>
      )}
      <Tick isSelected={files} onChange={setFiles} hint={s.exports.attachmentsHint}>
        {s.exports.attachments}
      </Tick>
      <Refusal error={ask.error} />
    </Dialog>
  );
}
