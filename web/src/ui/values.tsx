// One way to show an address, a hash, a time, a size and a state.
import { createContext, type ReactNode, useContext, useState } from "react";
import { Button as AriaButton, Tooltip, TooltipTrigger } from "react-aria-components";
import { s } from "../strings";
import { day, place, size, stretches, time, timeInFull } from "./format";
import { Icon, type IconName } from "./icons";
import { MailText } from "./MailText";
import { cut, plain, shortly } from "./mail";
import "./values.css";

/** The matter's zone where there is a matter, else UTC; none while the matter is not known yet. */
export const Zone = createContext<string | undefined>("UTC");

/** A column of times says in its heading where they are told. */
export function useZoned() {
  const zone = useContext(Zone);
  return (title: string) => (zone ? `${title} (${place(zone)})` : title);
}

export function Time({
  at,
  short,
  isFull,
  absent,
  why,
}: {
  at: string | null;
  short?: boolean;
  /** To the second, with its zone. */
  isFull?: boolean;
  absent?: string;
  /** What is to be known of it, before the time in full. */
  why?: string;
}) {
  const zone = useContext(Zone);
  if (!at) return <span className="faint">{absent ?? s.ui.never}</span>;
  if (!zone) return <time dateTime={at} />;
  return (
    <time dateTime={at} title={why ? `${why} · ${timeInFull(at, zone)}` : timeInFull(at, zone)}>
      {isFull ? timeInFull(at, zone) : short ? day(at, zone) : time(at, zone)}
    </time>
  );
}

/** When a message was sent; where it has no date that can be read, when it was received, and said so. */
export const Sent = ({
  of,
  short = false,
}: {
  of: { sent_at: string | null; received_at: string };
  short?: boolean;
}) =>
  of.sent_at ? (
    <Time at={of.sent_at} short={short} />
  ) : (
    <span className="undated">
      <span>{s.ui.undated}</span> <Time at={of.received_at} short={short} why={s.ui.undatedWhy} />
    </span>
  );

export const Size = ({ bytes }: { bytes: number }) => (
  <span className="nowrap" title={s.ui.bytes(bytes)}>
    {size(bytes)}
  </span>
);

/** No mail system takes a longer one. */
const ADDRESS = 1000;

/** "Alice Ito <alice@…>" or a bare address. The name never replaces the address: names can lie. */
export function Address({ address, name }: { address: string; name?: string | undefined }) {
  return (
    <span className="address">
      {name && name !== address && <MailText className="address-name" text={cut(name, LINE)} />}
      <MailText className="address-at" text={cut(address, ADDRESS)} />
    </span>
  );
}

/** For a narrow column; name and address are in the title. */
export const Who = ({ from }: { from: string }) => (
  <span className="clip" title={plain(cut(from, LINE))}>
    {from ? <MailText text={cut(shortly(from), LINE)} /> : s.ui.noSender}
  </span>
);

/** More of a subject, a name or an address than a line holds; nothing lays out what nobody can see. */
const LINE = 300;

/** With what was found in it, which is where it was found in the whole. */
export const Subject = ({
  text,
  marks,
  most = LINE,
}: {
  text: string;
  marks?: readonly (readonly number[])[];
  most?: number;
}) => {
  const shown = cut(text, most);
  if (!shown.trim()) return s.search.noSubject;
  return marks?.length ? <Marked text={shown} marks={marks} /> : <MailText text={shown} />;
};

export function Hash({ value, whole }: { value: string; whole?: boolean }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <TooltipTrigger delay={400}>
      <AriaButton className={whole ? "hash hash-whole" : "hash"} onPress={copy}>
        <span>{whole || value.length <= 16 ? value : `${value.slice(0, 10)}…${value.slice(-4)}`}</span>
        <span className="hidden-text">, {copied ? s.ui.copied : s.ui.copy}</span>
        <Icon name={copied ? "check" : "copy"} size={12} />
      </AriaButton>
      <Tooltip className="tooltip mono" offset={6}>
        {copied ? s.ui.copied : value}
      </Tooltip>
    </TooltipTrigger>
  );
}

export type Tone = "hold" | "good" | "bad" | "source" | "plain";
export const Badge = ({ tone, icon, children }: { tone: Tone; icon?: IconName; children: ReactNode }) => (
  <span className={`badge badge-${tone}`}>
    {icon && <Icon name={icon} size={12} />}
    {children}
  </span>
);

export const Marked = ({ text, marks }: { text: string; marks: readonly (readonly number[])[] }) => (
  <bdi>
    {stretches(text, marks).map((part, i) =>
      // biome-ignore lint/suspicious/noArrayIndexKey: stretches have no identity but their order
      part.marked ? <mark key={i}>{plain(part.text)}</mark> : <span key={i}>{plain(part.text)}</span>,
    )}
  </bdi>
);

/** A line that says something true about the page: a lag, a gap, what is not enforced. */
export const Note = ({
  tone = "plain",
  icon = "info",
  children,
}: {
  tone?: Tone;
  icon?: IconName;
  children: ReactNode;
}) => (
  <div className={`note note-${tone}`}>
    <Icon name={icon} />
    <div className="grow">{children}</div>
  </div>
);

/** A text to copy as it stands: a command, a key, a password. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="copyable">
      <code>{text}</code>
      <AriaButton
        className="icon-button"
        aria-label={copied ? s.ui.copied : label}
        onPress={async () => {
          await navigator.clipboard?.writeText(text);
          setCopied(true);
          setTimeout(() => setCopied(false), 1200);
        }}
      >
        <Icon name={copied ? "check" : "copy"} />
      </AriaButton>
    </div>
  );
}
