export function HoldPage() {
  return null;
}
