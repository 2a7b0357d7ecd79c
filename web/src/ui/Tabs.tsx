// One set of tabs.
import type { ReactNode } from "react";
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from "react-aria-components";
import "./tabs.css";

/**
 * Where there is room for few of them, the one that is shown is among those in view; once the list
 * has the focus, since it goes back then to where it last heard that it was scrolled to.
 */
const intoView = (tab: HTMLElement | null) => {
  if (tab) requestAnimationFrame(() => tab.scrollIntoView({ block: "nearest", inline: "nearest" }));
};

export function Tabs({
  label,
  value,
  onChange,
  tabs,
  children,
}: {
  label: string;
  value: string;
  onChange: (id: string) => void;
  tabs: readonly { id: string; name: string; note?: string | number | undefined }[];
  children: ReactNode;
}) {
  return (
    <AriaTabs className="tabs" selectedKey={value} onSelectionChange={(key) => onChange(String(key))}>
      <TabList aria-label={label} className="tab-list">
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className="tab" {...(tab.id === value && { ref: intoView })}>
            {tab.name}
            {tab.note !== undefined && <span className="tab-note">{tab.note}</span>}
          </Tab>
        ))}
      </TabList>
      <TabPanel key={value} id={value} className="tab-panel">
        {children}
      </TabPanel>
    </AriaTabs>
  );
}
