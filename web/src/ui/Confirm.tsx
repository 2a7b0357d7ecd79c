// One dialog for an act with consequences: what it does in words, and the act as a sentence on its button.
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isOutrun } from "../app/queries";
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
  // What somebody else did meanwhile is not undone by asking again.
  const isOver = isOutrun(doing.error);
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      onSubmit={isOver ? onClose : () => doing.mutate()}
      foot={
        isOver ? (
          <Button kind="primary" type="submit">
            {s.ui.close}
          </Button>
        ) : (
          <>
            <Button onPress={onClose}>{s.ui.cancel}</Button>
            <Button kind={kind} isDisabled={!isReady} isPending={doing.isPending} type="submit">
              {act}
            </Button>
          </>
        )
      }
    >
      {!isOver && children}
      <Refusal error={doing.error} />
    </Dialog>
  );
}
