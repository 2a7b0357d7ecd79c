// One dialog: a title that says the act, a body, and the acts at its foot. Escape closes it, Enter does the act.
import type { FormEvent, KeyboardEvent, ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { s } from "../strings";
import { IconButton } from "./Button";
import "./dialog.css";

function submitted(event: FormEvent<HTMLFormElement>, act: (() => void) | undefined) {
  event.preventDefault();
  // A form of one field submits itself though its button may not be pressed now.
  if (event.currentTarget.querySelector("[type=submit]:enabled")) act?.();
}

/** Where Enter means something else, or nothing, to the browser: a part of a date; an area of text, with Ctrl. */
function enter(event: KeyboardEvent<HTMLFormElement>) {
  if (event.key !== "Enter" || !(event.target instanceof HTMLElement)) return;
  const isOurs = event.ctrlKey || event.metaKey ? "textarea" : "[role=spinbutton]";
  if (!event.target.closest(isOurs)) return;
  event.preventDefault();
  event.currentTarget.requestSubmit();
}

export function Dialog({
  title,
  isOpen,
  onClose,
  wide,
  children,
  foot,
  onSubmit,
}: {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  wide?: boolean;
  children: ReactNode;
  foot?: ReactNode;
  /** The act; its button at the foot is of type submit. */
  onSubmit?: () => void;
}) {
  return (
    <ModalOverlay
      className="scrim"
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={false}
    >
      <Modal className={wide ? "modal modal-wide" : "modal"}>
        <AriaDialog className="dialog">
          <header className="dialog-head">
            <Heading slot="title" level={2} className="grow">
              {title}
            </Heading>
            <IconButton icon="x" label={s.ui.close} onPress={onClose} />
          </header>
          <form
            className="dialog-form"
            noValidate
            onSubmit={(event) => submitted(event, onSubmit)}
            onKeyDownCapture={enter}
          >
            <div className="dialog-body scroll">{children}</div>
            {foot && <footer className="dialog-foot">{foot}</footer>}
          </form>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
