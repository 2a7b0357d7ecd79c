// The one way to show text that a mail brought: it turns nothing around that stands beside it, and what would
// turn its own letters around is seen.
import { Fragment } from "react";
import { s } from "../strings";
import { parts } from "./mail";

/** In a block of its own, whose lines find their direction in the text. */
export const Seen = ({ text }: { text: string }) =>
  parts(text).map((part, i) =>
    part.code ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their order
      <span key={i} className="control-mark" title={s.ui.control(part.code)}>
        {part.text}
      </span>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: as above
      <Fragment key={i}>{part.text}</Fragment>
    ),
  );

/** Beside other text. */
export const MailText = ({ text, className }: { text: string; className?: string }) => (
  <bdi className={className}>
    <Seen text={text} />
  </bdi>
);
