// From a panel of the boot JSON to the class that draws it.
import type { Panel } from '../boot';
import type { Stage } from '../page/stage';
import { BarsPanel } from './barspanel';
import { ChartPanel } from './chartpanel';
import { HeatPanel } from './heatpanel';
import type { PanelView } from './panel';
import { StatPanel } from './statpanel';
import { TablePanel } from './tablepanel';

export function makePanel(panel: Panel, section: HTMLElement, stage: Stage, top: string): PanelView {
  switch (panel.kind) {
    case 'stat': return new StatPanel(panel, section, stage);
    case 'heat': return new HeatPanel(panel, section, stage);
    case 'bars': return new BarsPanel(panel, section, stage);
    case 'table': return new TablePanel(panel, section, stage, top);
    case 'line':
    case 'stack':
    case 'mirror': return new ChartPanel(panel, section, stage);
  }
}
