// One button. `kind` says how much it weighs; a danger button's label is a sentence with its verb.
import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps, Tooltip, TooltipTrigger } from "react-aria-components";
import "./button.css";
import { Icon, type IconName } from "./icons";

interface Props extends Omit<ButtonProps, "className" | "style" | "children"> {
  kind?: "primary" | "plain" | "quiet" | "danger";
  icon?: IconName;
  children: ReactNode;
}

/** While pending it keeps the focus and takes no further press. */
export function Button({ kind = "plain", icon, children, isPending, onPress, ...rest }: Props) {
  return (
    <AriaButton
      {...rest}
      onPress={isPending ? undefined : onPress}
      type={isPending ? "button" : rest.type}
      className={`button button-${kind}${isPending ? " is-pending" : ""}`}
    >
      {icon && <Icon name={icon} />}
      {children}
    </AriaButton>
  );
}

/** A sign alone; its label is read out and shown on hover. */
export function IconButton({
  icon,
  label,
  ...rest
}: Omit<Props, "children" | "kind" | "icon"> & { icon: IconName; label: string }) {
  return (
    <TooltipTrigger delay={500}>
      <AriaButton {...rest} aria-label={label} className="icon-button">
        <Icon name={icon} />
      </AriaButton>
      <Tooltip className="tooltip" offset={6}>
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}

/** A link that looks like a button: downloads, and ways to another desk. */
export function ButtonLink({
  href,
  icon,
  download,
  kind = "plain",
  children,
}: {
  href: string;
  icon?: IconName;
  download?: boolean;
  kind?: "primary" | "plain" | "quiet";
  children: ReactNode;
}) {
  return (
    <a className={`button button-${kind}`} href={href} download={download}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  );
}
