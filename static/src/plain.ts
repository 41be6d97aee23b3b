// What all pages have around what they show: the finder, the dialogs, the keys, and the notices of the server.
import type { Alerts } from './alerts/start';
import type { Boot } from './boot';
import type { Link, LinkState } from './live/link';
import { need } from './page/dom';
import { Finder, type Places } from './page/finder';
import { Keys, type KeyActs } from './page/keys';
import { Notices } from './page/notices';
import type { Stage } from './page/stage';

export interface Plain {
  readonly boot: Boot;
  readonly stage: Stage;
  readonly alerts: Alerts;
  readonly linkWatchers: ((state: LinkState) => void)[];
}

/** Goes to the page of queries. */
export const EXPLORE = (): void => location.assign('/explore');

/** Starts what a page without a room has; `more` are keys of its own. */
export function startPlain({ boot, stage, alerts, linkWatchers }: Plain, more: Partial<KeyActs>): void {
  const { texts, link } = stage.parts;
  const { finder, keys } = startDialogs({ boot, stage, alerts, linkWatchers }, alerts.places);
  new Keys({ find: () => finder.open(), help: () => keys.showModal(), explore: EXPLORE, ...alerts.keys, ...more }).start();
  const line = document.querySelector<HTMLElement>('.notices');
  if (!line) return;
  const notices = new Notices(line, texts, { add: () => undefined }, { tryNow: () => link.tryNow(), room: '', node: boot.node, pushed: () => undefined });
  followNotices(link, notices);
  linkWatchers.push(state => notices.link(state));
}

/** Starts the finder, and the buttons that open and close dialogs. */
export function startDialogs({ boot, stage }: Plain, places: Places): { finder: Finder; keys: HTMLDialogElement } {
  const finder = new Finder(document, boot, stage.parts.texts, places);
  finder.start();
  document.addEventListener('click', event => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-opens]') : null;
    if (button) document.querySelector<HTMLDialogElement>(`dialog#${CSS.escape(button.dataset['opens'] ?? '')}`)?.showModal();
  });
  for (const button of document.querySelectorAll('[data-closes]')) button.addEventListener('click', () => button.closest('dialog')?.close());
  return { finder, keys: need<HTMLDialogElement>('#keys') };
}

export function followNotices(link: Link, notices: Notices): void {
  const subscription = link.subscription('@notices', undefined);
  subscription.on('subscribed', ctx => notices.said(ctx.data));
  subscription.on('publication', ctx => notices.said(ctx.data));
  subscription.subscribe();
}
