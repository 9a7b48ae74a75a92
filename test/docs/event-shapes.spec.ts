/**
 * The stored shapes of the shop's events, frozen in event-shapes/<app>.json. A change without a new version fails here,
 * with instructions.
 */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { EventOwner } from '@annals/core';
import { checkEventShapes } from '@annals/testing';

const root = process.cwd();
const filesOf = (app: string, suffix: string): string[] =>
  readdirSync(`${root}/apps/${app}/src/domain`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(suffix))
    .map((file) => `${root}/apps/${app}/src/domain/${file}`);
const apps = readdirSync(`${root}/apps`).filter((app) => existsSync(`${root}/apps/${app}/src/domain`));

const isOwner = (value: unknown): value is EventOwner =>
  typeof value === 'object' && value !== null && 'category' in value && 'schemas' in value;

describe('the stored shapes of events', () => {
  it.each(apps)('are as they were frozen: %s', async (app) => {
    const modules = await Promise.all(
      filesOf(app, '.decider.ts').map((file) => import(file) as Promise<Record<string, unknown>>),
    );
    const owners = modules.flatMap((module) => Object.values(module)).filter(isOwner);
    expect(owners.length).toBeGreaterThan(0);
    await checkEventShapes({
      files: filesOf(app, '.events.ts'),
      owners,
      golden: `${root}/test/docs/event-shapes/${app}.json`,
    });
  });
});
