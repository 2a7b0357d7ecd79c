// The drawn signs, 16 px, one stroke. Decorative: words or a label stand beside each of them.
const paths = {
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.4 10.4 14 14",
  matter: "M2 5.2V13h12V5.2H2Zm3.5 0V3h5v2.2M2 8.8h12",
  hold: "M4 7.2h8v6H4v-6Zm1.7 0V5.3a2.3 2.3 0 0 1 4.6 0v1.9",
  clip: "m13 7.4-5.2 5.2a3 3 0 0 1-4.3-4.3l5.6-5.5a2 2 0 0 1 2.9 2.8L6.5 11a1 1 0 0 1-1.5-1.4l5-5",
  export: "M8 2.5v7.2m-3-2.8 3 3 3-3M2.8 11v2.5h10.4V11",
  proof:
    "M8 1.8 3 3.6v4c0 3 2 5.400 5 6.600 3-1.200 5-3.600 5-6.600v-4L8 1.800Zm-2.300 6 1.700 1.700 3-3.200",
  envelope: "M2 3.8h12v8.4H2V3.800Zm0 .4 6 4.600 6-4.600",
  audit: "M3.500 2h9v12h-9V2ZM6 5.200h4M6 8h4M6 10.800h2.500",
  status: "M1.800 8.500h2.700L6.500 3.500l3 9 2-4h2.700",
  people:
    "M6 7.500a2.400 2.400 0 1 0 0-4.800 2.400 2.400 0 0 0 0 4.800Zm-4.300 5.700c.3-2.400 2-3.700 4.300-3.700s4 1.300 4.300 3.700M10.600 3a2.300 2.300 0 0 1 0 4.400M12 9.800c1.300.5 2.100 1.700 2.300 3.400",
  check: "m3 8.500 3.300 3.300L13 4.800",
  x: "m4 4 8 8m0-8-8 8",
  plus: "M8 3v10M3 8h10",
  down: "m4.500 6.300 3.500 3.500 3.500-3.500",
  right: "m6.300 4.500 3.500 3.500-3.500 3.500",
  left: "M9.700 4.500 6.200 8l3.500 3.500",
  alert: "M8 2.200 1.700 13.300h12.600L8 2.200Zm0 4.300v3.400m0 1.700v.1",
  info: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 5.300v3.500M8 5v.1",
  copy: "M5.500 5.500h7.300v7.800H5.500V5.500ZM10.300 5.500V2.700H3.200v7.600h2.300",
  filter: "M2.500 4h11M4.500 8h7M6.500 12h3",
  user: "M8 7.800a2.700 2.700 0 1 0 0-5.400 2.700 2.700 0 0 0 0 5.400Zm-5 6c.4-2.700 2.300-4.200 5-4.200s4.600 1.500 5 4.200",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 2.800V8l2.300 1.600",
  calendar: "M2.500 3.500h11v10h-11v-10Zm0 3.200h11M5.500 2v2.500M10.500 2v2.500",
  sun: "M8 5.300a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400ZM8 1.500V3m0 10v1.500M1.500 8H3m10 0h1.500M3.400 3.400l1 1m7.200 7.200 1 1m0-9.200-1 1m-7.200 7.200-1 1",
  moon: "M13.300 9.700A5.700 5.700 0 0 1 6.300 2.700a5.700 5.700 0 1 0 7 7Z",
  screen: "M2 3h12v8.200H2V3Zm4 10.500h4",
  keys: "M1.800 4h12.400v8H1.800V4Zm2.500 2.700h.1m2.400 0h.1m2.400 0h.1m2.300 0h.1M5 9.500h6",
  more: "M3.500 8h.1m4.400 0h.1m4.400 0h.1",
  bundle: "M2.500 5 8 2.200 13.500 5v6L8 13.800 2.500 11V5Zm0 0L8 7.800m0 0L13.500 5M8 7.800v6",
  layers: "m8 2.500 6 3-6 3-6-3 6-3Zm-6 5.700 6 3 6-3",
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 2 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
