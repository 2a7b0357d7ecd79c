// What encrypted documents are tried with. A password that was added is never shown again.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api/calls";
import type { DocumentPassword, Matter } from "../../api/types";
import { useActs } from "../../app/acts";
import { changed, q } from "../../app/queries";
import { s } from "../../strings";
import { Await, Empty } from "../../ui/Await";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Card } from "../../ui/Page";
import { Refusal } from "../../ui/Refusal";
import { Note, Time } from "../../ui/values";
import { BYTES_MAX, passwordsOf, tooLong } from "./passwords";

const t = s.passwords;

export function Passwords({ matter }: { matter: Matter }) {
  const list = useQuery(q.passwords(matter.id));
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<DocumentPassword | null>(null);
  useActs([{ id: "add-passwords", name: t.add, icon: "keys", run: () => setAdding(true) }]);
  const gaps = (reason?: string) => (
    <Link className="small" to="/gaps" search={{ matter: matter.id, reason }}>
      {reason ? t.again : t.gaps}
    </Link>
  );
  return (
    <Card
      title={t.title}
      isFlush
      acts={
        <Button kind="quiet" icon="plus" onPress={() => setAdding(true)}>
          {t.add}
        </Button>
      }
    >
      <Await query={list} lines={2}>
        {({ passwords }) =>
          passwords.length ? (
            <>
              <ul className="lines" aria-label={t.title}>
                {passwords.map((password) => (
                  <li key={password.id} className="line">
                    <span className="strong line-name">{t.name(password.id)}</span>
                    <span className="line-main quiet">
                      <span>
                        {t.added} <Time at={password.added_at} /> {s.matters.by} {password.added_by}
                      </span>
                    </span>
                    <IconButton
                      icon="x"
                      label={t.remove(password.id)}
                      onPress={() => setRemoving(password)}
                    />
                  </li>
                ))}
              </ul>
              <p className="row row-wide lines-foot">
                <span className="grow small faint">{t.why}</span>
                {gaps("encrypted")}
              </p>
            </>
          ) : (
            <Empty icon="keys" title={t.none} act={gaps()}>
              {t.noneWhy}
            </Empty>
          )
        }
      </Await>
      {isAdding && <AddPasswords matter={matter.id} onClose={() => setAdding(false)} />}
      {removing && (
        <Confirm
          title={t.remove(removing.id)}
          act={t.remove(removing.id)}
          run={async () => {
            await api.removePassword(matter.id, removing.id);
            changed(matter.id);
          }}
          onClose={() => setRemoving(null)}
        >
          <p>{t.removeWhy}</p>
        </Confirm>
      )}
    </Card>
  );
}

function AddPasswords({ matter, onClose }: { matter: number; onClose: () => void }) {
  const [lines, setLines] = useState("");
  const [isTried, setTried] = useState(false);
  const [added, setAdded] = useState(0);
  const passwords = passwordsOf(lines);
  const long = tooLong(lines);
  const add = useMutation({
    mutationFn: async () => {
      let left = passwords;
      for (const password of passwords) {
        await api.addPassword(matter, password);
        left = left.slice(1);
        // Those that are in are not in the field any more: what fails after them can be tried alone.
        setLines(left.join("\n"));
        setAdded((before) => before + 1);
      }
    },
    onSettled: () => changed(matter),
    onSuccess: onClose,
  });
  const go = () => {
    setTried(true);
    if (passwords.length && !long) add.mutate();
  };
  return (
    <Dialog
      title={t.add}
      isOpen
      onClose={onClose}
      onSubmit={go}
      foot={
        <>
          <Button onPress={onClose}>{s.ui.cancel}</Button>
          <Button kind="primary" type="submit" isPending={add.isPending}>
            {t.act(passwords.length)}
          </Button>
        </>
      }
    >
      <Field
        label={t.lines}
        value={lines}
        onChange={setLines}
        rows={6}
        isMono
        autoComplete="off"
        hint={t.linesHint}
        error={
          !isTried || add.isPending
            ? undefined
            : long
              ? t.tooLong(long, BYTES_MAX)
              : passwords.length
                ? undefined
                : s.ui.required
        }
        autoFocus
      />
      <p className="quiet small">{t.once}</p>
      {add.error && added > 0 && <Note>{t.part(added, passwords.length)}</Note>}
      <Refusal error={add.error} />
    </Dialog>
  );
}
