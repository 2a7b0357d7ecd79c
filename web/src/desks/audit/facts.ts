// What else is known of an act, name by name: what holds more is opened, what is empty is left out.

export function facts(detail: object, within = ""): [string, string][] {
  return Object.entries(detail).flatMap(([key, value]): [string, string][] => {
    const name = within + key.replaceAll("_", " ");
    if (value === null || value === "") return [];
    if (Array.isArray(value))
      return [[name, value.map((v) => (typeof v === "object" ? JSON.stringify(v) : String(v))).join(", ")]];
    if (typeof value === "object") return facts(value, `${name}: `);
    return [[name, String(value)]];
  });
}
