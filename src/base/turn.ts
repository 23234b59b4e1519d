/**
 * Lets everything else that waits have its turn: messages, timers, what the GPU has to say. Work that awaits nothing
 * but itself would hold them all up. Not a timer, since browsers let those wait 4 ms each.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
