// The plain views of a message: its text, its HTML in a sandbox, its headers and its bytes.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { links } from "../../api/calls";
import type { Message } from "../../api/types";
import { q } from "../../app/queries";
import { s } from "../../strings";
import { Await, Empty } from "../../ui/Await";
import { ButtonLink, IconButton } from "../../ui/Button";
import { findWords, size, stretches } from "../../ui/format";
import { useKeys } from "../../ui/keys";
import { MailText, Seen } from "../../ui/MailText";
import { Hash } from "../../ui/values";

export function TextView({ text, words }: { text: string; words: string[] }) {
  const marks = useMemo(() => findWords(text, words), [text, words]);
  const parts = useMemo(() => stretches(text, marks), [text, marks]);
  const [now, setNow] = useState(-1);
  const box = useRef<HTMLDivElement>(null);
  const walk = (by: number) => marks.length && setNow((at) => (at + by + marks.length) % marks.length);
  useKeys({ "[": () => walk(now < 0 ? 0 : -1), "]": () => walk(1) });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the mark that is now current was drawn just before
  useEffect(() => {
    box.current?.querySelector("mark.now")?.scrollIntoView({ block: "center" });
  }, [now]);
  if (!text.trim()) return <Empty icon="envelope" title={s.message.textGone} />;
  let nth = -1;
  return (
    <div className="view-text">
      {marks.length > 0 && (
        <div className="hit-walk">
          <IconButton icon="left" label={s.message.previousHit} onPress={() => walk(now < 0 ? 0 : -1)} />
          <span className="tiny quiet">{s.message.hits(now + 1, marks.length)}</span>
          <IconButton icon="right" label={s.message.nextHit} onPress={() => walk(1)} />
        </div>
      )}
      <div
        className="message-text scroll"
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={s.message.tabs.text}
      >
        <div className="message-text-in">
          {parts.map((part, i) => {
            // biome-ignore lint/suspicious/noArrayIndexKey: stretches have no identity but their order
            if (!part.marked) return <Seen key={i} text={part.text} />;
            nth += 1;
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <mark key={i} className={nth === now ? "now" : undefined}>
                <Seen text={part.text} />
              </mark>
            );
          })}
        </div>
      </div>
    </div>
  );
}

type Shown = { id: number; matter: number | null; version: string };

/** One request: the look that it is, is on record once. The page itself says what it was kept from loading. */
export function HtmlView({ id, matter, version }: Shown) {
  return (
    <div className="view-html">
      {/* Its own policy lets nothing run or load; the sandbox gives it no origin. */}
      <iframe
        title={s.message.frame}
        sandbox=""
        src={links.html(id, matter, version)}
        referrerPolicy="no-referrer"
      />
    </div>
  );
}

export function HeadersView({ headers, mih }: { headers: Message["headers"]; mih: string | null }) {
  return (
    <div className="scroll view-pad" tabIndex={0} role="region" aria-label={s.message.tabs.headers}>
      <dl className="header-list">
        {headers.map((header, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: headers repeat; their order is their identity
          <div key={i} style={{ display: "contents" }}>
            <dt>
              <MailText text={header.name} />
            </dt>
            <dd>
              <MailText text={header.value} />
            </dd>
          </div>
        ))}
      </dl>
      {mih && (
        <p className="headers-foot small quiet" title={s.message.mihWhy}>
          {s.message.mih} <Hash value={mih} whole />
        </p>
      )}
    </div>
  );
}

const SHOWN_MAX = 256 * 1024;

export function SourceView({ id, matter, version }: Shown) {
  const source = useQuery(q.source(id, matter, version));
  return (
    <Await query={source}>
      {(text) => (
        <div className="scroll view-pad" tabIndex={0} role="region" aria-label={s.message.tabs.source}>
          {text.length > SHOWN_MAX && (
            <div className="row source-cut">
              <span className="quiet small">{s.message.cut(size(SHOWN_MAX))}</span>
              <ButtonLink icon="export" href={links.download(id, matter, version)} download>
                {s.message.wholeSource}
              </ButtonLink>
            </div>
          )}
          <pre className="source">
            <MailText text={text.slice(0, SHOWN_MAX)} />
          </pre>
        </div>
      )}
    </Await>
  );
}
