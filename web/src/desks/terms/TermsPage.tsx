// The report of terms: lists of terms and within what they are counted; below, what each finds.
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Navigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api/calls";
import type { ReportBody } from "../../api/types";
import { q } from "../../app/queries";
import { s } from "../../strings";
import { Failed, Skeleton } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { DateField } from "../../ui/DateField";
import { Choose, Field } from "../../ui/Field";
import { isReversed } from "../../ui/format";
import { Card, Page } from "../../ui/Page";
import { Refusal } from "../../ui/Refusal";
import { saveText } from "../../ui/save";
import { useTitle } from "../../ui/title";
import { useDraft } from "./draft";
import { Report } from "./Report";
import { listed } from "./terms";
import "./terms.css";

const t = s.terms;
const route = getRouteApi("/search/terms");
const ALL = "all";
/** Families shown of each term. */
const SAMPLE = 5;

export function TermsPage() {
  const state = route.useSearch();
  const navigate = route.useNavigate();
  const [draft, change] = useDraft();
  const { data: me } = useSuspenseQuery(q.session);
  const matters = useQuery(q.matters);
  const [failed, setFailed] = useState<unknown>();
  useTitle(t.title);
  const go = (part: Partial<typeof state>) =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  const open = matters.data?.matters ?? [];
  const own = open.find((m) => !m.is_closed) ?? open[0];
  const isLost = !me?.is_archive_wide && state.matter === undefined;
  const first = listed(draft.first);
  const second = draft.isCompared ? listed(draft.second) : [];
  const wanted: ReportBody = {
    matter_id: state.matter ?? null,
    terms: first,
    compared_with: second,
    dialect: state.dialect ?? "kql",
    from: state.from ?? null,
    until: state.until ?? null,
    date_kind: state.by ?? "sent",
    sample: SAMPLE,
    seed: draft.seed,
  };
  const { asked } = draft;
  const found = useQuery({
    queryKey: ["terms", asked],
    queryFn: () => api.report(asked as ReportBody),
    enabled: asked !== undefined,
    // Asking again is an act, and is in the audit.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
  const isOther = asked !== undefined && JSON.stringify(asked) !== JSON.stringify(wanted);
  const wrongDays = isReversed(state.from, state.until);
  const download = async () => {
    setFailed(undefined);
    try {
      saveText("terms.csv", await api.reportTable(asked as ReportBody));
    } catch (error) {
      setFailed(error);
    }
  };
  if (isLost && own) return <Navigate to="/search/terms" search={{ ...state, matter: own.id }} replace />;
  return (
    <Page title={t.title} note={t.why}>
      <Card title={t.lists}>
        <form
          className="stack terms-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (first.length && !wrongDays && !isLost) change({ asked: wanted });
          }}
        >
          <div className="terms-within">
            <Choose
              label={s.search.matter}
              value={state.matter ? String(state.matter) : ALL}
              onChange={(id) => go({ matter: id === ALL ? undefined : Number(id) })}
              choices={[
                ...(me?.is_archive_wide ? [{ id: ALL, name: s.search.archiveWide }] : []),
                ...open.map((m) => ({ id: String(m.id), name: m.name })),
              ]}
            />
            <Choose
              label={s.search.dialect}
              value={state.dialect ?? "kql"}
              onChange={(id) => go({ dialect: id === "dtsearch" ? "dtsearch" : undefined })}
              choices={s.search.dialects}
            />
            <Choose
              label={s.search.dateKind}
              value={state.by ?? "sent"}
              onChange={(by) => go({ by: by === "received" ? "received" : undefined })}
              choices={[
                { id: "sent", name: s.search.sent },
                { id: "received", name: s.search.received },
              ]}
            />
            <DateField label={s.search.from} value={state.from} onChange={(from) => go({ from })} />
            <DateField
              label={s.search.until}
              value={state.until}
              onChange={(until) => go({ until })}
              error={wrongDays ? s.ui.lastDay : undefined}
            />
          </div>
          <div className="terms-lists" data-compared={draft.isCompared || undefined}>
            <Field
              label={t.terms}
              hint={t.termsHint(first.length)}
              rows={8}
              isMono
              value={draft.first}
              onChange={(text) => change({ first: text })}
            />
            {draft.isCompared && (
              <Field
                label={t.second}
                hint={t.termsHint(second.length)}
                rows={8}
                isMono
                value={draft.second}
                onChange={(text) => change({ second: text })}
              />
            )}
          </div>
          <div className="row">
            <Button
              kind="primary"
              type="submit"
              isDisabled={!first.length || wrongDays || isLost}
              isPending={found.isFetching}
            >
              {t.count}
            </Button>
            <Button onPress={() => change({ isCompared: !draft.isCompared })}>
              {draft.isCompared ? t.compareNot : t.compare}
            </Button>
            {asked && (
              <Button
                kind="quiet"
                onPress={() => change({ seed: draft.seed + 1, asked: { ...asked, seed: draft.seed + 1 } })}
              >
                {t.redraw}
              </Button>
            )}
            {isOther && <span className="quiet small">{t.other}</span>}
          </div>
        </form>
      </Card>
      <Refusal error={failed} />
      {asked && found.error ? (
        <Failed error={found.error} retry={() => void found.refetch()} />
      ) : found.isFetching ? (
        <Skeleton lines={8} />
      ) : asked && found.data ? (
        <Report report={found.data} asked={asked} onSave={() => void download()} />
      ) : null}
    </Page>
  );
}
