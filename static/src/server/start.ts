// Wires the page of the server to the page's one socket. Other pages have none of it.
import type { Stage } from '../page/stage';
import { ServerPage } from './page';

/** Starts the page, or gives null where this is another one. */
export function startServer(stage: Stage): ServerPage | null {
  if (!document.querySelector('main.server')) return null;
  const { texts, link, serverTime, ink } = stage.parts;
  let own = '';
  link.client.on('connected', ctx => { own = ctx.client; });
  const isLive = (): boolean => link.state.kind === 'live';
  const page = new ServerPage(document, {
    texts, ink, isLive, own: () => own, now: () => serverTime.now(),
    call: (method, request) => (isLive() ? link.call(method, request) : Promise.reject(new Error(texts.alerts.notConnected))),
  });
  page.start();
  return page;
}
