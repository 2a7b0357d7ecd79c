// The query: where it is asked, what was understood, and where it went wrong.
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useState } from "react";
import { Button as AriaButton, Dialog as AriaDialog, DialogTrigger, Popover } from "react-aria-components";
import type { ApiError } from "../../api/client";
import type { components } from "../../api/schema";
import type { Counts } from "../../api/types";
import { q } from "../../app/queries";
import type { SearchState } from "../../app/router";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Choose } from "../../ui/Field";
import { sentence } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { caretLine } from "./caret";
import { ReadAs } from "./Reading";
import { filtersOn } from "./state";

const ALL = "all";

interface Props {
  state: SearchState;
  go: (change: Partial<SearchState>) => void;
  run: (text: string) => void;
  input: RefObject<HTMLInputElement | null>;
  error: ApiError | undefined;
  found: components["schemas"]["Results"] | undefined;
  counts: Counts | undefined;
  facetsOpen: boolean;
  /** None where the facets are always there. */
  onFacets: (() => void) | undefined;
  filtersOpen: boolean;
  onFilters: () => void;
}

export function QueryBar({
  state,
  go,
  run,
  input,
  error,
  found,
  counts,
  facetsOpen,
  onFacets,
  filtersOpen,
  onFilters,
}: Props) {
  const dialect = state.dialect ?? "kql";
  const { data: me } = useSuspenseQuery(q.session);
  const matters = useQuery(q.matters);
  const [text, setText] = useState(state.q ?? "");
  useEffect(() => setText(state.q ?? ""), [state.q]);
  const choices = [
    ...(me?.is_archive_wide ? [{ id: ALL, name: s.search.archiveWide }] : []),
    ...(matters.data?.matters ?? []).map((m) => ({ id: String(m.id), name: m.name, note: m.reference })),
  ];
  const isWrong = error?.span !== undefined;
  useEffect(() => {
    if (isWrong) input.current?.focus();
  }, [isWrong, input]);
  const on = filtersOn(state);
  const rewrite = error?.rewrite;
  return (
    <div className="query-bar">
      <form
        className="query-line"
        onSubmit={(event) => {
          event.preventDefault();
          run(text.trim());
          // The keys of the list are next; what is wrong in a query brings the focus back.
          input.current?.blur();
        }}
      >
        <div className="query-matter">
          <Choose
            label={s.search.matter}
            isLabelHidden
            value={state.matter ? String(state.matter) : ALL}
            onChange={(id) =>
              go({
                matter: id === ALL ? undefined : Number(id),
                custodian: undefined,
                m: undefined,
                tab: undefined,
              })
            }
            choices={choices}
          />
        </div>
        <div className="query-dialect">
          <Choose
            label={s.search.dialect}
            isLabelHidden
            value={dialect}
            onChange={(id) =>
              go({ dialect: id === "dtsearch" ? "dtsearch" : undefined, m: undefined, tab: undefined })
            }
            choices={s.search.dialects}
          />
        </div>
        <div className="query-box" data-invalid={error?.span ? true : undefined}>
          <Icon name="search" />
          <input
            ref={input}
            className="query-input"
            type="text"
            aria-label={s.search.query}
            aria-invalid={error?.span ? true : undefined}
            aria-describedby={error ? "query-error" : undefined}
            placeholder={s.search.placeholder}
            value={text}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.blur();
              if (event.key === "Enter" && event.altKey && rewrite !== undefined) {
                event.preventDefault();
                run(rewrite);
              }
            }}
          />
          {!error && found && <ReadAs asked={state.q ?? ""} found={found} parts={counts?.parts} />}
          <DialogTrigger>
            <AriaButton className="icon-button" aria-label={s.search.help}>
              <Icon name="info" />
            </AriaButton>
            <Popover className="popover query-help" placement="bottom end" offset={8}>
              <AriaDialog aria-label={s.search.help} className="card-body">
                <h3>{s.search.help}</h3>
                <dl className="syntax">
                  {s.search.syntax[dialect].map(([code, means]) => (
                    <div key={code} style={{ display: "contents" }}>
                      <dt>
                        <code>{code}</code>
                      </dt>
                      <dd className="quiet">{means}</dd>
                    </div>
                  ))}
                </dl>
              </AriaDialog>
            </Popover>
          </DialogTrigger>
        </div>
        <Button kind="primary" type="submit">
          {s.search.act}
        </Button>
        {onFacets && (
          <Button icon="facets" onPress={onFacets} aria-expanded={facetsOpen}>
            {s.search.facets.label}
          </Button>
        )}
        <Button icon="filter" onPress={onFilters} aria-expanded={filtersOpen}>
          {on ? s.search.filtersOn(on) : s.search.filters}
        </Button>
      </form>
      {error && (
        <div id="query-error" className="query-error" role="alert">
          {error.span && <pre className="query-caret">{caretLine(state.q ?? "", error.span)}</pre>}
          <p>
            <strong>{sentence(error.message)}</strong>
            {error.hint && <span className="quiet"> {sentence(error.hint)}</span>}
          </p>
          {rewrite !== undefined && (
            <p className="query-rewrite">
              <Button onPress={() => run(rewrite)}>
                {s.search.use} <code className="clip">{rewrite}</code>
              </Button>
              <kbd>Alt Enter</kbd>
            </p>
          )}
        </div>
      )}
    </div>
  );
}
