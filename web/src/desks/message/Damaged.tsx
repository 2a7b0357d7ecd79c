// A message whose record is damaged: it is not shown, and its proof says what no longer agrees.
import type { ApiError } from "../../api/client";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { sentence } from "../../ui/format";
import { Tabs } from "../../ui/Tabs";
import { Note } from "../../ui/values";
import { ProofView } from "./ProofView";

interface Props {
  id: number;
  matter: number | null;
  error: ApiError;
  /** One that carried the version that was asked for. */
  delivery: number | undefined;
  /** Back to the first version, where another was asked for. */
  onFirst: (() => void) | undefined;
}

export function Damaged({ id, matter, error, delivery, onFirst }: Props) {
  return (
    <article className="message">
      <header className="message-head">
        <div className="row message-title">
          <h2 className="grow">{s.message.damaged}</h2>
          {onFirst && (
            <Button kind="quiet" onPress={onFirst}>
              {s.message.version(1)}
            </Button>
          )}
        </div>
        <Note tone="bad" icon="alert">
          {sentence(error.message)} {s.ui.damagedWhy}
        </Note>
      </header>
      <Tabs
        label={s.message.tabsLabel}
        value="proof"
        onChange={() => {}}
        tabs={[{ id: "proof", name: s.message.tabs.proof }]}
      >
        <ProofView key={delivery} id={id} matter={matter} first={delivery} />
      </Tabs>
    </article>
  );
}
