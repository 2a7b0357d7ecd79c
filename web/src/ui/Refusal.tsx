// Why an act was not done, at a form's foot.
import { isOffline } from "../api/client";
import { useIsLost } from "../app/connection";
import { said } from "../app/queries";
import { s } from "../strings";
import { Note } from "./values";

export function Refusal({ error }: { error: unknown }) {
  const isLost = useIsLost();
  if (!error) return null;
  return (
    <Note tone="bad" icon="alert">
      {isOffline(error) && !isLost ? [s.ui.back, error.hint].join(" ") : said(error)}
    </Note>
  );
}
