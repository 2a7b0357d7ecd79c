// The reading pane: what the message says, where it came from, and what is known of it.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { links } from "../../api/calls";
import { isDamaged } from "../../api/client";
import type { Message } from "../../api/types";
import { useActs } from "../../app/acts";
import { load } from "../../app/load";
import { q } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { Button, ButtonLink } from "../../ui/Button";
import { Choose } from "../../ui/Field";
import { count } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { useKeys } from "../../ui/keys";
import { MailText } from "../../ui/MailText";
import { cut, plain } from "../../ui/mail";
import { Tabs } from "../../ui/Tabs";
import { Badge, Note, Sent, Size } from "../../ui/values";
import { Damaged } from "./Damaged";
import { EnvelopeView } from "./EnvelopeView";
import { Turns, useFold } from "./fold";
import { Gaps } from "./Gaps";
import "./message.css";
import { NearView } from "./NearView";
import { PeopleLines } from "./PeopleLines";
import { ProofView } from "./ProofView";
import { ThreadView } from "./ThreadView";
import { Title } from "./Title";
import { HeadersView, HtmlView, SourceView, TextView } from "./views";

const ExportDialog = lazy(() => load(() => import("../exports/ExportDialog")));

interface Props {
  id: number;
  matter: number | null;
  tab: string;
  onTab: (tab: string) => void;
  /** Another message, of its thread or nearly the same. */
  onOpen: (id: number) => void;
  words: string[];
}

/** Which version was asked for, of which message: another message begins with its first. */
type Chosen = { id: number; sha256: string; delivery: number | undefined };

export function MessagePane(props: Props) {
  const [chosen, setChosen] = useState<Chosen>();
  const version = chosen?.id === props.id ? chosen.sha256 : undefined;
  const message = useQuery(q.message(props.id, props.matter, version));
  const onVersion = (of: Message) => (sha256: string) => {
    const delivery = of.versions.find((each) => each.sha256 === sha256)?.deliveries[0];
    setChosen({ id: props.id, sha256, delivery });
  };
  if (!message.data && isDamaged(message.error))
    return (
      <Damaged
        id={props.id}
        matter={props.matter}
        error={message.error}
        delivery={version ? chosen?.delivery : undefined}
        onFirst={version ? () => setChosen(undefined) : undefined}
      />
    );
  return (
    <Await query={message}>{(data) => <Read {...props} message={data} onVersion={onVersion(data)} />}</Await>
  );
}

type ReadProps = Props & { message: Message; onVersion: (sha256: string) => void };

function Read({ id, matter, tab, onTab, onOpen, words, message, onVersion }: ReadProps) {
  const { hit, version } = message;
  const [exporting, setExporting] = useState(false);
  const [turns, setTurns] = useState(0);
  useKeys({ o: () => setTurns(turns + 1) });
  const leads = useLeads();
  useActs([
    ...(leads
      ? [
          {
            id: "export-message",
            name: s.exports.one,
            icon: "bundle" as const,
            run: () => setExporting(true),
          },
        ]
      : []),
  ]);
  const t = s.message.tabs;
  const tabs = [
    { id: "text", name: t.text },
    ...(message.has_html ? [{ id: "html", name: t.html }] : []),
    { id: "headers", name: t.headers },
    { id: "source", name: t.source },
    {
      id: "envelope",
      name: t.envelope,
      note: message.deliveries.length > 1 ? message.deliveries.length : undefined,
    },
    { id: "thread", name: t.thread },
    { id: "near", name: t.near },
    { id: "proof", name: t.proof },
  ];
  const shown = tabs.some((each) => each.id === tab) ? tab : "text";
  return (
    <article className="message">
      <Turns value={turns}>
        <header className="message-head">
          <div className="row message-title">
            <Title subject={hit.subject} />
            <ButtonLink kind="quiet" icon="export" href={links.download(id, matter, version)} download>
              {s.message.download}
            </ButtonLink>
            {leads && (
              <Button kind="quiet" icon="bundle" onPress={() => setExporting(true)}>
                {s.message.exportOne}
              </Button>
            )}
          </div>
          {hit.unproven > 0 && (
            <Note tone="source" icon="alert">
              {hit.is_proven ? s.message.unprovenOf(hit.unproven, hit.deliveries) : s.message.unproven}
            </Note>
          )}
          <PeopleLines participants={message.participants} />
          <p className="row row-wrap small quiet message-facts">
            <Sent of={hit} />
            <Size bytes={hit.size} />
            {message.holds.map((hold) => (
              <Link
                key={hold.id}
                to="/matters/$id/holds/$hid"
                params={{ id: String(hold.matter_id), hid: String(hold.id) }}
              >
                <Badge tone="hold" icon="hold">
                  {s.message.heldBy} {hold.name}
                </Badge>
              </Link>
            ))}
            {hit.is_held && message.holds.length === 0 && (
              <Badge tone="hold" icon="hold">
                {s.search.held}
              </Badge>
            )}
          </p>
          {message.versions.length > 1 && (
            <Choose
              label={s.message.versions(message.versions.length)}
              value={version}
              onChange={onVersion}
              choices={message.versions.map((each, i) => ({
                id: each.sha256,
                name: s.message.version(i + 1),
                note: `${each.sha256.slice(0, 10)}… · ${s.message.carriedBy(each.deliveries)}`,
              }))}
            />
          )}
          {message.attachments.length > 0 && <Attachments id={id} matter={matter} message={message} />}
          <Gaps message={message} />
        </header>
      </Turns>
      <Tabs label={s.message.tabsLabel} value={shown} onChange={onTab} tabs={tabs}>
        {shown === "text" && <TextView text={message.text} words={words} />}
        {shown === "html" && <HtmlView id={id} matter={matter} version={version} />}
        {shown === "headers" && <HeadersView headers={message.headers} mih={message.edrm_mih} />}
        {shown === "source" && <SourceView id={id} matter={matter} version={version} />}
        {shown === "envelope" && (
          <EnvelopeView id={id} matter={matter} message={message} onVersion={onVersion} />
        )}
        {shown === "thread" && <ThreadView id={id} matter={matter} onOpen={onOpen} />}
        {shown === "near" && <NearView id={id} matter={matter} onOpen={onOpen} />}
        {shown === "proof" && <ProofView id={id} matter={matter} message={message} />}
      </Tabs>
      {exporting && (
        <Suspense>
          <ExportDialog
            matter={matter}
            families={1}
            scope={{ message_ids: [id] }}
            name={plain(cut(hit.subject, NAME)) || s.search.noSubject}
            onClose={() => setExporting(false)}
          />
        </Suspense>
      )}
    </article>
  );
}

const FEW = 4;
const [NAME, PATH] = [200, 1000];

function Attachments({ id, matter, message }: { id: number; matter: number | null; message: Message }) {
  const [all, setAll] = useFold();
  const shown = all ? message.attachments : message.attachments.slice(0, FEW);
  const more = message.attachments.length - FEW;
  return (
    <ul className="attachments" aria-label={s.message.attachments(message.attachments.length)}>
      {shown.map((file) => (
        <li key={file.ordinal}>
          <a
            className="attachment"
            href={links.attachment(id, file.ordinal, matter, message.version)}
            download
            title={`${plain(cut(file.path, PATH))} · ${file.media_type} · SHA-256 ${file.sha256}${file.has_text ? ` · ${s.message.hasText}` : ""}`}
          >
            <Icon name="clip" size={14} />
            <span className="clip">
              <MailText text={cut(file.name || file.media_type, NAME)} />
            </span>
            <span className="faint">
              <Size bytes={file.size} />
            </span>
          </a>
        </li>
      ))}
      {more > 0 && (
        <li>
          <button type="button" className="attachment" onClick={() => setAll(!all)}>
            {all ? s.message.fewer : count(more, "more", "more")}
          </button>
        </li>
      )}
    </ul>
  );
}
