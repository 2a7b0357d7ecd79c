// The page's title, as tabs, history and bookmarks show it: the most particular first.
import { useEffect } from "react";
import { s } from "../strings";
import { plain } from "./mail";

export const titleOf = (parts: readonly (string | undefined)[]) =>
  [...parts.filter(Boolean).map((part) => plain(part ?? "")), s.product].join(" · ");

export function useTitle(...parts: (string | undefined)[]) {
  const title = titleOf(parts);
  useEffect(() => {
    document.title = title;
  }, [title]);
}
