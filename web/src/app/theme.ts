// The theme: as the system says, unless someone set it. The choice stays in this browser.
import { useSyncExternalStore } from "react";

export type ThemeChoice = "system" | "light" | "dark";
const KEY = "muniment.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const watchers = new Set<() => void>();

const choice = (): ThemeChoice => {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
};
const shown = () => {
  const chosen = choice();
  return chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
};

function apply() {
  document.documentElement.dataset.theme = shown();
  for (const tell of watchers) tell();
}

export function startTheme() {
  apply();
  dark.addEventListener("change", apply);
}

export function setTheme(next: ThemeChoice) {
  localStorage.setItem(KEY, next);
  apply();
}

const watch = (tell: () => void) => {
  watchers.add(tell);
  return () => watchers.delete(tell);
};
export const useThemeChoice = () => useSyncExternalStore(watch, choice);
