// What the envelopes say: every delivery that carried the message, and each participant with its source.
import { Fragment, useMemo } from "react";
import { links } from "../../api/calls";
import type { DeliveryView, Message } from "../../api/types";
import { s } from "../../strings";
import { ButtonLink } from "../../ui/Button";
import { MailText } from "../../ui/MailText";
import { Some } from "../../ui/Some";
import { Address, Badge, Hash, Size, Time } from "../../ui/values";
import { type Person, peopleOf, wordsOf } from "./people";

const t = s.message;
const roleName = (role: string) => t.roles[role] ?? role;

interface Props {
  id: number;
  matter: number | null;
  message: Message;
  onVersion: (sha256: string) => void;
}

export function EnvelopeView({ id, matter, message, onVersion }: Props) {
  const { people, lines } = peopleOf(message.participants);
  const blind = useMemo(() => new Set(lines.bcc.map((entry) => entry.person)), [lines]);
  return (
    <div className="scroll view-pad stack stack-wide" tabIndex={0} role="region" aria-label={t.tabs.envelope}>
      <section className="stack">
        <h3>{t.participants}</h3>
        <Some all={people} label={t.find(people.length)} wordsOf={wordsOf}>
          {(some) => <Known people={some} blind={blind} />}
        </Some>
      </section>
      <section className="stack">
        <h3>{t.deliveries}</h3>
        {message.deliveries.map((delivery) => (
          <Delivery key={delivery.seq} delivery={delivery} href={links.delivery(id, delivery.seq, matter)}>
            {message.versions.length > 1 &&
              message.versions.map(
                (version, i) =>
                  version.deliveries.includes(delivery.seq) && (
                    <button
                      key={version.sha256}
                      type="button"
                      className="link-button"
                      aria-current={version.sha256 === message.version}
                      onClick={() => onVersion(version.sha256)}
                    >
                      {t.version(i + 1)}
                    </button>
                  ),
              )}
          </Delivery>
        ))}
      </section>
    </div>
  );
}

function Known({ people, blind }: { people: readonly Person[]; blind: ReadonlySet<Person> }) {
  return (
    <div className="known">
      <table>
        <thead>
          <tr>
            <th>{t.address}</th>
            <th>{t.known}</th>
          </tr>
        </thead>
        <tbody>
          {people.map((person) => (
            <tr key={person.address}>
              <td>
                <Address address={person.address} name={person.name} />
                {blind.has(person) && (
                  <Badge tone="plain" icon="envelope">
                    {t.blind}
                  </Badge>
                )}
              </td>
              <td>
                <ul>
                  {sources(person).map(({ told, of }) => (
                    <li key={told + of}>
                      {told}
                      {of && <MailText text={of} />}
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const itself = (address: string) => address;

/** How someone is known; `of`: the list or the mailbox through which. */
function sources(person: Person) {
  const lines = person.known.map(({ role, source, delivery, via }) => {
    const how = source === "envelope" ? t.fromEnvelope(delivery) : t.fromHeader;
    const told = `${roleName(role)}, ${how}${via ? `, ${t.through[via.how]} ` : ""}`;
    return { told, of: via?.address ?? "" };
  });
  return [...new Map(lines.map((line) => [line.told + line.of, line])).values()];
}

interface DeliveryProps {
  delivery: DeliveryView;
  /** Where its exact bytes are. */
  href: string;
  /** The versions of the message that it carries, where there are several. */
  children: React.ReactNode;
}

function Delivery({ delivery, href, children }: DeliveryProps) {
  return (
    <div className="card">
      <div className="card-head">
        <h2>{t.delivery(delivery.seq)}</h2>
        <span className="quiet small">{t.forms[delivery.form.toLowerCase()] ?? delivery.form}</span>
        <span className="row end">
          {delivery.is_proven ? (
            <Badge tone="good" icon="check">
              {t.proven}
            </Badge>
          ) : (
            <Badge tone="source" icon="alert">
              {s.search.unproven}
            </Badge>
          )}
          <ButtonLink kind="quiet" icon="export" href={href} download>
            {t.asReceived}
          </ButtonLink>
        </span>
      </div>
      <dl className="facts card-body">
        {children && (
          <>
            <dt>{t.carries}</dt>
            <dd className="row">{children}</dd>
          </>
        )}
        <dt>{t.received}</dt>
        <dd>
          <Time at={delivery.received_at} />
        </dd>
        <dt>{t.source}</dt>
        <dd>{delivery.source}</dd>
        <dt>{t.peer}</dt>
        <dd>
          {delivery.peer} <span className="quiet">{delivery.tls ?? t.noTls}</span>
        </dd>
        <dt>{t.reversePath}</dt>
        <dd>{delivery.reverse_path ? <MailText text={delivery.reverse_path} /> : t.nullPath}</dd>
        <dt>{t.envelopeTo}</dt>
        <dd>
          <Some all={delivery.recipients} label={t.find(delivery.recipients.length)} wordsOf={itself}>
            {(some) =>
              some.map((address, i) => (
                <Fragment key={address}>
                  {i > 0 && ", "}
                  <MailText text={address} />
                </Fragment>
              ))
            }
          </Some>
        </dd>
        <dt>{t.class}</dt>
        <dd>{delivery.class}</dd>
        <dt>{t.size}</dt>
        <dd>
          <Size bytes={delivery.size} />
        </dd>
        <dt>{t.sha}</dt>
        <dd>
          <Hash value={delivery.sha256} />
        </dd>
        <dt>{t.record}</dt>
        <dd>
          <Hash value={delivery.record_id} />
        </dd>
        {delivery.defects.length > 0 && (
          <>
            <dt>{t.defects}</dt>
            <dd>
              <ul>
                {delivery.defects.map((defect) => (
                  <li key={defect}>{defect}</li>
                ))}
              </ul>
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}
