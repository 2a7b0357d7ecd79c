// Places a hold: who and when at the left, what that holds now at the right, and its number on the button.
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { api } from "../../api/calls";
import type { DateKind, HoldBody, Matter } from "../../api/types";
import { changed, q } from "../../app/queries";
import { s } from "../../strings";
import { Failed, Skeleton } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { DateField } from "../../ui/DateField";
import { Dialog } from "../../ui/Dialog";
import { Choose, Field, Tick } from "../../ui/Field";
import { isReversed, size } from "../../ui/format";
import { Refusal } from "../../ui/Refusal";
import { Note, Sent, Subject, Time, Who } from "../../ui/values";

const t = s.holds;

export function PlaceHold({ matter, onClose }: { matter: Matter; onClose: () => void }) {
  const navigate = useNavigate();
  const custodians = useQuery(q.custodians(matter.id));
  const [name, setName] = useState("");
  const [who, setWho] = useState<ReadonlySet<number>>(new Set());
  const [kind, setKind] = useState<DateKind>("sent");
  const [from, setFrom] = useState<string | undefined>();
  const [until, setUntil] = useState<string | undefined>();
  const [ongoing, setOngoing] = useState(true);
  const [tried, setTried] = useState(false);
  const reversed = isReversed(from, until);
  const scope = useMemo(
    () => ({
      custodian_ids: [...who].sort((a, b) => a - b),
      date_kind: kind,
      from,
      until,
      is_ongoing: ongoing,
    }),
    [who, kind, from, until, ongoing],
  );
  // A preview is a look, and goes on record: ask when the form has come to rest.
  const [asked, setAsked] = useState(scope);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(scope), 300);
    return () => clearTimeout(timer);
  }, [scope]);
  const preview = useQuery({
    queryKey: ["hold-preview", matter.id, asked],
    queryFn: () => api.previewHold(matter.id, { name: name || "-", ...asked }),
    enabled: asked.custodian_ids.length > 0 && !isReversed(asked.from, asked.until),
    placeholderData: keepPreviousData,
  });
  const isCurrent = asked === scope && !preview.isPlaceholderData;
  const place = useMutation({
    mutationFn: () => api.placeHold(matter.id, { name: name.trim(), ...scope } satisfies HoldBody),
    onSuccess: (hold) => {
      changed(matter.id);
      onClose();
      void navigate({
        to: "/matters/$id/holds/$hid",
        params: { id: String(matter.id), hid: String(hold.id) },
      });
    },
  });
  const toggle = (id: number) =>
    setWho((was) => {
      const next = new Set(was);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const go = () => {
    setTried(true);
    if (name.trim() && who.size) place.mutate();
  };
  const seen = who.size && !reversed ? preview.data : undefined;
  return (
    <Dialog
      title={t.title}
      wide
      isOpen
      onClose={onClose}
      onSubmit={go}
      foot={
        <>
          {place.isError && (
            <div className="grow">
              <Refusal error={place.error} />
            </div>
          )}
          <Button onPress={onClose}>{s.ui.cancel}</Button>
          <Button
            kind="primary"
            type="submit"
            isDisabled={!who.size || !seen || !isCurrent}
            isPending={place.isPending}
          >
            {t.act(seen && isCurrent ? seen.families : undefined)}
          </Button>
        </>
      }
    >
      <div className="hold-form">
        <div className="stack hold-ask">
          <Field
            label={t.name}
            value={name}
            onChange={setName}
            placeholder={t.namePlaceholder}
            error={tried && !name.trim() ? s.ui.required : undefined}
            autoFocus
          />
          <fieldset className="stack hold-who">
            <legend className="field-label">{t.who}</legend>
            {(custodians.data?.custodians ?? []).map((c) => (
              <Tick
                key={c.id}
                isSelected={who.has(c.id)}
                onChange={() => toggle(c.id)}
                hint={c.addresses.join(", ")}
              >
                {c.name}
              </Tick>
            ))}
          </fieldset>
          <Choose
            label={t.what}
            value={kind}
            onChange={(id) => setKind(id === "received" ? "received" : "sent")}
            choices={[
              { id: "sent", name: t.sent },
              { id: "received", name: t.received },
            ]}
          />
          <div className="hold-dates">
            <DateField label={t.from} value={from} onChange={setFrom} />
            <DateField
              label={t.until}
              value={until}
              onChange={setUntil}
              error={reversed ? s.ui.lastDay : undefined}
            />
          </div>
          <Tick isSelected={ongoing} onChange={setOngoing} hint={t.ongoingHint}>
            {t.ongoing}
          </Tick>
        </div>
        <section className="hold-sees" aria-label={t.sees} aria-live="polite" aria-busy={!isCurrent}>
          <h3>{t.sees}</h3>
          {!who.size ? (
            <p className="faint small">{t.seesWait}</p>
          ) : reversed ? (
            <p className="faint small">{s.ui.lastDay}</p>
          ) : preview.isError ? (
            <Failed error={preview.error} retry={() => void preview.refetch()} />
          ) : !seen ? (
            <Skeleton />
          ) : (
            <>
              <p className="hold-figure">{s.families(seen.families)}</p>
              <p className="quiet small">{t.figures(seen.families, seen.messages, size(seen.bytes))}</p>
              {seen.not_indexed > 0 && <Note>{t.notIndexed(seen.not_indexed)}</Note>}
              {seen.sample.length > 0 && (
                <>
                  <h3>{t.sample}</h3>
                  <ul className="sample">
                    {seen.sample.slice(0, 8).map((hit) => (
                      <li key={hit.id}>
                        <span className="row">
                          <span className="grow clip strong">
                            <Who from={hit.from} />
                          </span>
                          <span className="faint tiny">
                            {kind === "sent" ? <Sent of={hit} /> : <Time at={hit.received_at} />}
                          </span>
                        </span>
                        <span className="clip">
                          <Subject text={hit.subject} />
                        </span>
                      </li>
                    ))}
                  </ul>
                </>
              )}
            </>
          )}
        </section>
      </div>
    </Dialog>
  );
}
