// Lists of a message that are cut short until they are asked for in full: each by its button, all by one key.
import { createContext, useContext, useEffect, useState } from "react";

/** How often all of them were turned at once; they are open after the first time, shut after the second. */
export const Turns = createContext(0);

export function useFold(): [boolean, (isOpen: boolean) => void] {
  const turns = useContext(Turns);
  const [isOpen, setOpen] = useState(turns % 2 === 1);
  useEffect(() => setOpen(turns % 2 === 1), [turns]);
  return [isOpen, setOpen];
}
