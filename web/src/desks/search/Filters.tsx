// Filters beside the query. Each writes itself into the address.
import { useQuery } from "@tanstack/react-query";
import { q } from "../../app/queries";
import type { SearchState } from "../../app/router";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { DateField } from "../../ui/DateField";
import { Choose } from "../../ui/Field";
import { isReversed } from "../../ui/format";
import { AddressField } from "./AddressField";
import { asksUnproven, filtersOn, withoutFilters, withUnproven } from "./state";

export default function Filters({
  state,
  go,
}: {
  state: SearchState;
  go: (change: Partial<SearchState>) => void;
}) {
  const matter = state.matter ?? null;
  const custodians = useQuery({ ...q.custodians(state.matter ?? 0), enabled: state.matter !== undefined });
  const set = (change: Partial<SearchState>) => go({ ...change, m: undefined });
  return (
    <div
      className="filters"
      role="group"
      aria-label={s.search.filters}
      data-in-matter={state.matter !== undefined || undefined}
    >
      <Choose
        label={s.search.dateKind}
        value={state.by ?? "sent"}
        onChange={(by) => set({ by: by === "received" ? "received" : undefined })}
        choices={[
          { id: "sent", name: s.search.sent },
          { id: "received", name: s.search.received },
        ]}
      />
      <DateField label={s.search.from} value={state.from} onChange={(from) => set({ from })} />
      <DateField
        label={s.search.until}
        value={state.until}
        onChange={(until) => set({ until })}
        error={isReversed(state.from, state.until) ? s.ui.lastDay : undefined}
      />
      <AddressField
        label={s.search.sender}
        matter={matter}
        value={state.sender}
        onChange={(sender) => set({ sender })}
      />
      <AddressField
        label={s.search.recipient}
        matter={matter}
        value={state.recipient}
        onChange={(recipient) => set({ recipient })}
      />
      {state.matter !== undefined && (
        <Choose
          label={s.search.custodian}
          value={state.custodian ? String(state.custodian) : "any"}
          onChange={(id) => set({ custodian: id === "any" ? undefined : Number(id) })}
          choices={[
            { id: "any", name: s.search.anyCustodian },
            ...(custodians.data?.custodians ?? []).map((c) => ({ id: String(c.id), name: c.name })),
          ]}
        />
      )}
      <Choose
        label={s.search.source}
        value={asksUnproven(state.q ?? "") ? "unproven" : "any"}
        onChange={(id) => set({ q: withUnproven(state.q ?? "", id === "unproven") || undefined })}
        choices={[
          { id: "any", name: s.search.anySource },
          { id: "unproven", name: s.search.unproven },
        ]}
      />
      <Button kind="quiet" isDisabled={filtersOn(state) === 0} onPress={() => set(withoutFilters(state))}>
        {s.search.clearFilters}
      </Button>
    </div>
  );
}
