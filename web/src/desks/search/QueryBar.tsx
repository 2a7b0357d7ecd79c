// The query: where it is asked, what was understood, and where it went wrong.
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useState } from "react";
import { Button as AriaButton, Dialog as AriaDialog, DialogTrigger, Popover } from "react-aria-components";
import type { ApiError } from "../../api/client";
import { q } from "../../app/queries";
import type { SearchState } from "../../app/router";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Choose } from "../../ui/Field";
import { sentence } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { caretLine } from "./caret";
import { filtersOn } from "./state";

const ALL = "all";

interface Props {
  state: SearchState;
  go: (change: Partial<SearchState>) => void;
  run: (text: string) => void;
  input: RefObject<HTMLInputElement | null>;
  error: ApiError | undefined;
  parsed: string | undefined;
  warnings: string[];
  filtersOpen: boolean;
  onFilters: () => void;
}

export function QueryBar({ state, go, run, input, error, parsed, warnings, filtersOpen, onFilters }: Props) {
  const { data: me } = useSuspenseQuery(q.session);
  const matters = useQuery(q.matters);
  const [text, setText] = useState(state.q ?? "");
  useEffect(() => setText(state.q ?? ""), [state.q]);
  const choices = [
    ...(me?.is_archive_wide ? [{ id: ALL, name: s.search.archiveWide }] : []),
    ...(matters.data?.matters ?? []).map((m) => ({ id: String(m.id), name: m.name, note: m.reference })),
  ];
  const on = filtersOn(state);
  return (
    <div className="query-bar">
      <form
        className="query-line"
        onSubmit={(event) => {
          event.preventDefault();
          run(text.trim());
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
            }}
          />
          <DialogTrigger>
            <AriaButton className="icon-button" aria-label={s.search.help}>
              <Icon name="info" />
            </AriaButton>
            <Popover className="popover query-help" placement="bottom end" offset={8}>
              <AriaDialog aria-label={s.search.help} className="card-body">
                <h3>{s.search.help}</h3>
                <dl className="syntax">
                  {s.search.syntax.map(([code, means]) => (
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
        </div>
      )}
      {!error && (warnings.length > 0 || (parsed && state.q && parsed !== state.q)) && (
        <p className="query-parsed tiny">
          {parsed && state.q && parsed !== state.q && (
            <>
              <span className="faint">{s.search.understood}</span> <code>{parsed}</code>
            </>
          )}
          {warnings.map((warning) => (
            <span key={warning} className="query-warning">
              {warning}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}
