/** Shipping's client against the simulated carrier, over HTTP. Two apps meet here, so it stands outside of both. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@annals/testing';
import { runInContext } from '@annals/core';
import { CircuitOpen, Dependencies } from '@annals/resilience';
import { startCarrier, type RunningCarrier } from '../../apps/carrier/src/carrier-server.js';
import { readBehaviour } from '../../apps/carrier/src/behaviour.js';
import { carrierPolicy, HttpCarrier } from '../../apps/shipping/src/carrier/http-carrier.js';
import { isSignedBy } from '../../apps/shipping/src/http/carrier-signature.js';
import { readShippingConfig } from '../../apps/shipping/src/shipping.config.js';

const consignment = {
  reference: 'shipment-o-1',
  pieces: [{ sku: 'tea', quantity: 2 }],
  shipTo: { name: 'Ada', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
};
const secret = 'between us';

let running: RunningCarrier | undefined;
let sender: Server | undefined;
let client: HttpCarrier | undefined;
afterEach(async () => {
  await client?.onApplicationShutdown();
  await running?.stop();
  sender?.close();
  running = sender = client = undefined;
});

/** A carrier that behaves so, whose requests fail as `luck` (0 to 1 each) says; and shipping's client of it. */
async function carrierThat(behaviour: Record<string, string>, luck: readonly number[] = [], shippingUrl = '') {
  let asked = 0;
  running = await startCarrier({
    port: 0,
    host: '127.0.0.1',
    secret,
    behaviour: readBehaviour(behaviour),
    random: () => luck[asked++] ?? 1,
  });
  const { url } = running;
  const config = readShippingConfig({ CARRIER_SECRET: secret, SHIPPING_URL: shippingUrl });
  const dependencies = new Dependencies({ environment: { CARRIER_URL: url } });
  dependencies.declare('carrier', { ...carrierPolicy, circuit: { failures: 4, openMs: 50, successes: 1 } });
  client = new HttpCarrier(config, dependencies);
  return {
    client,
    simulate: (change: object) => fetch(`${url}/simulation`, { method: 'PUT', body: JSON.stringify(change) }),
    knows: async (reference: string) => (await fetch(`${url}/bookings/${reference}`)).json() as Promise<object>,
  };
}

describe('the carrier', () => {
  it('books a shipment under our reference, once', async () => {
    const { client, knows } = await carrierThat({});
    const booking = await client.book(consignment);
    expect(booking).toEqual({ carrier: 'postbote', trackingNumber: expect.stringMatching(/^PB-[0-9A-F]{10}$/) });
    expect(await client.book(consignment)).toEqual(booking);
    expect(await knows('shipment-o-1')).toMatchObject({ asked: 2 });
  });

  it('refuses what it does not deliver, with its reason', async () => {
    const { client } = await carrierThat({});
    const shipTo = { ...consignment.shipTo, country: 'AQ' };
    expect(await client.book({ ...consignment, shipTo })).toEqual({ refused: 'postbote does not deliver to AQ' });
  });

  it('is asked again when it fails, before as well as after it has booked', async () => {
    const before = 0.1;
    const after = 0.4;
    const { client, knows } = await carrierThat({ CARRIER_FAILING: '0.5' }, [before, after, after]);
    expect(await client.book(consignment)).toMatchObject({ carrier: 'postbote' });
    expect(await knows('shipment-o-1')).toMatchObject({ asked: 3 });
  });

  it('is left alone when it is down, and found again when it is back', async () => {
    const { client, simulate } = await carrierThat({});
    await simulate({ down: true });
    await expect(client.book(consignment)).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(client.book(consignment)).rejects.toThrow(CircuitOpen);
    await simulate({ down: false });
    await eventually(async () => expect(await client.book(consignment)).toMatchObject({ carrier: 'postbote' }));
  });

  it('takes no booking any more for what was called off', async () => {
    const { client } = await carrierThat({});
    await client.cancel('shipment-o-1');
    expect(await client.book(consignment)).toEqual({ refused: 'shipment-o-1 was called off' });
  });

  it('reports the arrival until it is heard, signed, in the conversation of the shipment', async () => {
    const reports: { body: { reference: string; status: string }; signature: string; talk: string }[] = [];
    sender = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const { 'carrier-signature': signature, 'x-correlation-id': talk } = request.headers;
        const body = JSON.parse(text) as { reference: string; status: string };
        reports.push({ body, signature: String(signature), talk: String(talk) });
        response.writeHead(reports.length < 3 ? 503 : 204).end();
      });
    });
    await new Promise<void>((resolve) => sender?.listen(0, '127.0.0.1', resolve));
    const shippingUrl = `http://127.0.0.1:${(sender.address() as AddressInfo).port}`;

    const { client } = await carrierThat({ CARRIER_TRANSIT_MS: '10' }, [], shippingUrl);
    await client.book(consignment);
    await runInContext({ correlationId: 'talk-1' }, () => client.collect('shipment-o-1'));
    await client.collect('shipment-o-1'); // asked twice, it is collected once
    await eventually(() => expect(reports).toHaveLength(3));
    for (const { body, signature, talk } of reports) {
      expect({ body, talk }).toEqual({ body: { reference: 'shipment-o-1', status: 'delivered' }, talk: 'talk-1' });
      expect(isSignedBy(secret, body, signature)).toBe(true);
      expect(isSignedBy('another secret', body, signature)).toBe(false);
    }
  });
});
