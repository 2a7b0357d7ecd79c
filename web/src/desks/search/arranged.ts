// Which facets there is something to choose in, and which say the same of every hit. Pure.
import type { Counts, FacetField } from "../../api/types";

type Facet = Counts["facets"][number];

export interface Arranged extends Facet {
  /** The types of attachments are told by the endings of names, and, apart from those, by media types. */
  part: "" | "media";
}

export interface Same {
  field: FacetField;
  part: Arranged["part"];
  value: string;
}

/** `isAsked`: the query has it already, and a second choice takes it out. */
export function arranged(
  counts: Pick<Counts, "facets" | "total_families"> | undefined,
  isAsked: (field: FacetField, value: string) => boolean,
): { apart: Arranged[]; same: Same[] } {
  const apart: Arranged[] = [];
  const same: Same[] = [];
  const put = (facet: Arranged) => {
    const [only, ...others] = facet.values;
    if (!only) return;
    const isSame =
      !others.length &&
      !facet.more &&
      only.families === counts?.total_families &&
      !isAsked(facet.field, only.value);
    if (isSame) same.push({ field: facet.field, part: facet.part, value: only.value });
    else apart.push(facet);
  };
  const media: Arranged[] = [];
  for (const facet of counts?.facets ?? []) {
    if (facet.field !== "type") {
      put({ ...facet, part: "" });
      continue;
    }
    const [endings, types] = [false, true].map((isMedia) =>
      facet.values.filter(({ value }) => value.includes("/") === isMedia),
    ) as [Facet["values"], Facet["values"]];
    // How many more there are of each is not told apart.
    put({ ...facet, part: "", values: endings });
    media.push({ ...facet, part: "media", values: types, more: endings.length ? 0 : facet.more });
  }
  media.forEach(put);
  return { apart, same };
}
