export function MattersPage() {
  return null;
}
