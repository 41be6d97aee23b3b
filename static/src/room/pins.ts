// Comments that are pinned to a moment of a chart, by panel.
import type { Person } from '../wire/alert';
import type { Entry } from './timeline';

export interface PlacedPin {
  /** Key of the comment. */
  readonly key: string;
  readonly time: number;
  readonly by: Person;
  readonly text: string;
}

/** Most pins of one panel; the newest are kept. */
const PINS_MAX = 60;

/** Gives the pins of each panel, oldest comment first. */
export function pinsOf(entries: readonly Entry[]): Map<string, readonly PlacedPin[]> {
  const found = new Map<string, PlacedPin[]>();
  for (const entry of entries) {
    if (entry.kind !== 'comment' || !entry.pin) continue;
    const pins = found.get(entry.pin.panel) ?? [];
    pins.push({ key: entry.key, time: entry.pin.time, by: entry.by, text: entry.text });
    if (pins.length > PINS_MAX) pins.shift();
    found.set(entry.pin.panel, pins);
  }
  return found;
}

/** The pins of the page: charts draw them, the room knows what they mean. */
export class PinBoard {
  #pins: ReadonlyMap<string, readonly PlacedPin[]> = new Map();
  #drawn = '';
  /** Called when the pins of charts changed. */
  changed: () => void = () => undefined;
  /** A pin is pointed at, or none is. */
  point: (pin: PlacedPin | null) => void = () => undefined;
  /** A pin was pressed. */
  choose: (pin: PlacedPin) => void = () => undefined;

  set(pins: ReadonlyMap<string, readonly PlacedPin[]>): void {
    const drawn = [...pins].map(([panel, all]) => `${panel} ${all.map(pin => pin.key).join(' ')}`).join('\n');
    this.#pins = pins;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.changed();
  }

  of(panel: string): readonly PlacedPin[] {
    return this.#pins.get(panel) ?? [];
  }
}
