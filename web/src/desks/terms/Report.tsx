// What each term finds: a table for each list, and what the lists have apart and in common.
import { Link } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import type { ReportBody, Spread, TermLine, TermList, TermReport } from "../../api/types";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Choose } from "../../ui/Field";
import { number, sentence } from "../../ui/format";
import { Card } from "../../ui/Page";
import { Note, Subject, Time, Who } from "../../ui/values";
import { inYear, yearsOf } from "./terms";

const t = s.terms;
type By = "none" | "custodian" | "year";

interface Shown {
  report: TermReport;
  asked: ReportBody;
  by: By;
  years: readonly number[];
}

export function Report({
  report,
  asked,
  onSave,
}: {
  report: TermReport;
  asked: ReportBody;
  onSave: () => void;
}) {
  const [by, setBy] = useState<By>("none");
  const lists = [report.list, ...(report.compared_with ? [report.compared_with] : [])];
  const unread = lists.flatMap((list) => list.terms).filter((line) => line.error).length;
  const shown = { report, asked, by, years: yearsOf(lists.map((list) => list.total)) };
  return (
    <>
      <div className="row terms-acts">
        <div className="short-choice">
          <Choose
            label={t.by}
            value={by}
            onChange={(id) => setBy(id as By)}
            choices={[
              { id: "none", name: t.byNone },
              ...(report.custodians.length ? [{ id: "custodian", name: t.byCustodian }] : []),
              { id: "year", name: t.byYear(report.zone) },
            ]}
          />
        </div>
        <div className="row end">
          <Button icon="export" onPress={onSave}>
            {t.save}
          </Button>
          <Button onPress={() => window.print()}>{t.print}</Button>
        </div>
      </div>
      {unread > 0 && (
        <Note tone="source" icon="alert">
          {t.unread(unread)}
        </Note>
      )}
      {report.behind > 0 && <Note>{s.search.behind(report.behind)}</Note>}
      <Listed {...shown} list={report.list} title={report.compared_with ? t.first : t.found} />
      {report.compared_with && <Listed {...shown} list={report.compared_with} title={t.second} />}
      {report.compared && (
        <Card title={t.compared}>
          <dl className="terms-compared">
            {(["only_first", "only_second", "both"] as const).map((which) => (
              <Fragment key={which}>
                <dt>{t[which]}</dt>
                <dd>
                  {t.documents(report.compared?.[which].documents ?? 0)},{" "}
                  {s.families(report.compared?.[which].families ?? 0)}
                </dd>
              </Fragment>
            ))}
          </dl>
        </Card>
      )}
      <p className="faint tiny">
        {s.search.snapshot(
          report.snapshot.cursor,
          report.snapshot.index_version,
          report.snapshot.tokenizer_version,
        )}
      </p>
    </>
  );
}

function Listed({ list, title, ...shown }: Shown & { list: TermList; title: string }) {
  const { report, by, years } = shown;
  const more =
    by === "custodian" ? report.custodians : by === "year" ? [...years.map(String), t.undated] : [];
  return (
    <Card title={title} note={t.unit} isFlush>
      <div className="terms-scroll">
        <table className="terms-table">
          <thead>
            <tr>
              <th scope="col">{t.term}</th>
              {[t.hits, t.withFamily, t.families, t.unique, t.occurrences, ...more].map((name) => (
                <th scope="col" className="terms-number" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.terms.map((line, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one report never move
              <Line key={at} line={line} columns={6 + more.length} {...shown} />
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t.any}</th>
              <Numbers spread={list.total} unique={undefined} occurrences={undefined} {...shown} />
            </tr>
          </tfoot>
        </table>
      </div>
    </Card>
  );
}

function Line({ line, columns, ...shown }: Shown & { line: TermLine; columns: number }) {
  const [isOpen, setOpen] = useState(false);
  const { asked } = shown;
  const matter = asked.matter_id ?? undefined;
  const term = <code className="terms-term">{line.term}</code>;
  if (!line.counts)
    return (
      <tr>
        <th scope="row">{term}</th>
        <td colSpan={columns - 1} className="terms-problem">
          <strong>{sentence(line.error?.message ?? "")}</strong>{" "}
          {line.error?.hint && <span className="quiet">{sentence(line.error.hint)}</span>}
        </td>
      </tr>
    );
  const { spread, unique, occurrences, sample, warnings } = line.counts;
  return (
    <>
      <tr>
        <th scope="row">
          <Link
            to="/search"
            search={{
              matter,
              q: line.term,
              dialect: asked.dialect === "dtsearch" ? "dtsearch" : undefined,
              from: asked.from ?? undefined,
              until: asked.until ?? undefined,
              by: asked.date_kind === "received" ? "received" : undefined,
            }}
          >
            {term}
          </Link>
          {sample.length > 0 && (
            <Button kind="quiet" aria-expanded={isOpen} onPress={() => setOpen(!isOpen)}>
              {t.sample(sample.length)}
            </Button>
          )}
          {warnings.map((warning) => (
            <p key={warning} className="quiet tiny">
              {sentence(warning)}
            </p>
          ))}
        </th>
        <Numbers spread={spread} unique={unique} occurrences={occurrences ?? null} {...shown} />
      </tr>
      {isOpen &&
        sample.map((hit) => (
          <tr key={hit.id} className="terms-sample">
            <td colSpan={columns}>
              <Link to="/search" search={{ matter, q: line.term, m: hit.id }}>
                <Subject text={hit.subject} />
              </Link>{" "}
              <span className="quiet">
                <Who from={hit.from} /> <Time at={hit.sent_at ?? hit.received_at} />
              </span>
            </td>
          </tr>
        ))}
    </>
  );
}

/** `undefined` where it has no meaning, null where nobody can tell. */
function Numbers({
  spread,
  unique,
  occurrences,
  by,
  years,
}: Shown & { spread: Spread; unique: number | undefined; occurrences: number | null | undefined }) {
  const more =
    by === "custodian"
      ? spread.by_custodian
      : by === "year"
        ? [...years.map((year) => inYear(spread, year)), spread.undated]
        : [];
  const own = [spread.hits.documents, spread.with_family, spread.hits.families, unique, occurrences];
  return [...own, ...more].map((value, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the columns of one report never move
    <td className="terms-number" key={at}>
      {value === null ? t.untold : value === undefined ? "" : number(value)}
    </td>
  ));
}
