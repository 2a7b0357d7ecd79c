// One dialog for an act with consequences: what it does in words, and the act as a sentence on its button.
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { s } from "../strings";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Refusal } from "./Refusal";

export function Confirm({
  title,
  act,
  kind = "danger",
  isReady = true,
  run,
  onClose,
  children,
}: {
  title: string;
  act: string;
  kind?: "danger" | "primary";
  isReady?: boolean;
  run: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const doing = useMutation({ mutationFn: run, onSuccess: onClose });
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      onSubmit={() => doing.mutate()}
      foot={
        <>
          <Button onPress={onClose}>{s.ui.cancel}</Button>
          <Button kind={kind} isDisabled={!isReady} isPending={doing.isPending} type="submit">
            {act}
          </Button>
        </>
      }
    >
      {children}
      <Refusal error={doing.error} />
    </Dialog>
  );
}
