// One set of tabs.
import { type ReactNode, useEffect, useRef } from "react";
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from "react-aria-components";
import "./tabs.css";

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
  const list = useRef<HTMLDivElement>(null);
  const widths = tabs.map((tab) => `${tab.id} ${tab.note ?? ""}`).join();
  // Where there is room for few of them, the one that is shown is among those in view, and stays there
  // when the others become wider; once the list has the focus, since it goes back then to where it last
  // heard that it was scrolled to.
  // biome-ignore lint/correctness/useExhaustiveDependencies: they say when it may have come out of view
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const shown = list.current?.querySelector('[aria-selected="true"]');
      shown?.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
    return () => cancelAnimationFrame(frame);
  }, [value, widths]);
  return (
    <AriaTabs className="tabs" selectedKey={value} onSelectionChange={(key) => onChange(String(key))}>
      <TabList ref={list} aria-label={label} className="tab-list">
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className="tab">
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
