// What every page stands in: its link, its clock, what it draws with, and the stretch of time that it shows.
import type { Boot } from './boot';
import type { Range } from './data/view';
import { Ink } from './draw/ink';
import { DrawQueue } from './draw/queue';
import { Feeds } from './live/feeds';
import { Link, type LinkState, type Outage } from './live/link';
import { Pulse } from './live/pulse';
import { ServerTime } from './live/servertime';
import { Crosshair } from './page/crosshair';
import { Stage } from './page/stage';
import { PinBoard } from './room/pins';
import { textsOf } from './texts/texts';

/** The ranges of a page: all, the one that it opens with, and how much history a live query asks for in a step, ms. */
export interface Ranges {
  readonly all: readonly Range[];
  readonly first: number;
  readonly window: (step: number) => number;
  /** Whether the range that is chosen is kept on this device: not where the address says it. */
  readonly keeps: boolean;
}

export interface Frame {
  readonly stage: Stage;
  readonly linkWatchers: ((state: LinkState) => void)[];
  readonly outageWatchers: ((outage: Outage) => void)[];
}

/** Gives the frame; `arrived` runs for all samples, `redraw` when the link or what is seen of the page changed. */
export function frameOf(boot: Boot, ranges: Ranges, acts: { readonly arrived: () => void; readonly redraw: () => void }): Frame {
  const frame = (callback: () => void): void => void requestAnimationFrame(callback);
  const now = (): number => Date.now();
  const linkWatchers: Frame['linkWatchers'] = [];
  const outageWatchers: Frame['outageWatchers'] = [];
  const link: Link = new Link(socketAddress(boot.socket), {
    changed: state => linkWatchers.forEach(watcher => watcher(state)),
    restored: outage => outageWatchers.forEach(watcher => watcher(outage)),
  }, now);
  const serverTime = new ServerTime(() => link.call('time', {}), now, boot.now);
  const pulse = new Pulse(() => serverTime.now());
  const queue = new DrawQueue(() => document.hidden, () => performance.now(), frame, () => pulse.drawn());
  const meter = { arrived: (newest: number, values: number) => { pulse.arrived(newest, values); acts.arrived(); } };
  const stage = new Stage({
    texts: textsOf(boot.lang), ink: new Ink(document), queue, link, feeds: new Feeds(link, meter, ranges.window), pulse, serverTime,
    crosshair: new Crosshair(frame), pins: new PinBoard(), ranges: ranges.all,
  }, ranges.first, ranges.keeps);
  linkWatchers.push(state => {
    if (state.kind === 'live') serverTime.start();
    else serverTime.stop();
    pulse.reset();
    acts.redraw();
  });
  document.addEventListener('visibilitychange', () => acts.redraw());
  return { stage, linkWatchers, outageWatchers };
}

function socketAddress(path: string): string {
  const address = new URL(path, location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}
