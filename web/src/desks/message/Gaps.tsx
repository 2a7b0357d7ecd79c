// What of a message could not be indexed: amber where words may be missing, else a quiet line.
import type { Message } from "../../api/types";
import { s } from "../../strings";
import { MailText } from "../../ui/MailText";
import { Note } from "../../ui/values";
import { useFold } from "./fold";
import { type Told, told } from "./gaps";

const FEW = 3;

function List({ gaps }: { gaps: readonly Told[] }) {
  const [all, setAll] = useFold();
  return (
    <>
      {(all ? gaps : gaps.slice(0, FEW)).map(({ name, why, detail }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a part may have the same gap twice
        <span key={i} className="gap" title={detail}>
          <MailText text={name} />: {why}
        </span>
      ))}
      {gaps.length > FEW && (
        <button type="button" className="link-button" onClick={() => setAll(!all)}>
          {all ? s.message.fewer : s.message.more(gaps.length - FEW)}
        </button>
      )}
    </>
  );
}

export function Gaps({ message }: { message: Message }) {
  const gaps = told(message);
  const grave = gaps.filter((gap) => gap.isGrave);
  const quiet = gaps.filter((gap) => !gap.isGrave);
  return (
    <>
      {grave.length > 0 && (
        <Note tone="hold" icon="alert">
          <span className="strong">{s.message.gapNote(grave.length)}</span> <List gaps={grave} />
        </Note>
      )}
      {quiet.length > 0 && (
        <p className="tiny faint gaps-quiet">
          <List gaps={quiet} />
        </p>
      )}
    </>
  );
}
