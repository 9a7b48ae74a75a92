/** A context's messages over HTTP: how they flow, those that it could not deal with, events that it could not publish. */
import type { DeadLetter, DeadLetters, Transport, TransportStatus } from '@annals/messaging';
import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CONTEXT_MAP, type ContextMap } from '../context-map.js';
import { TRANSPORT } from '../context-parts.js';
import { ContextRuntime } from '../context-runtime.js';
import { NotFound, NotParkedPublication } from '../errors.js';
import type { ParkedPublication, PublicationRetry } from '../exchange/parked-publications.js';
import { LimitQuery } from '../http/limit.query.js';
import { asJson, type AsJson } from './as-json.js';

@Controller('admin/messages')
@ApiTags('admin')
export class MessagesController {
  private readonly letters: DeadLetters;

  constructor(
    private readonly runtime: ContextRuntime,
    @Inject(CONTEXT_MAP) private readonly map: ContextMap,
    @Inject(TRANSPORT) transport: Transport,
  ) {
    this.letters = transport.deadLetters;
  }

  @Get()
  @ApiOperation({ summary: 'The transport, what this instance takes from it, and what is not as declared' })
  status(): AsJson<TransportStatus & { readonly publishing: string }> {
    const { publisher, integration } = this.runtime;
    return asJson({ ...integration.health(), publishing: publisher?.status?.state ?? 'not by this instance' });
  }

  @Get('dead')
  @ApiOperation({ summary: 'Messages that this context could not deal with, the oldest first' })
  async dead(@Query() { limit }: LimitQuery): Promise<DeadLetter[]> {
    return this.letters.list({ context: this.map.name, ...(limit && { limit }) });
  }

  @Get('dead/:id')
  @ApiOperation({ summary: 'One of them, with the message and the error' })
  show(@Param('id') id: string): Promise<DeadLetter> {
    return this.own(id);
  }

  @Post('dead/:id/replay')
  @HttpCode(202)
  @ApiOperation({ summary: 'Give the message to this context once more' })
  async replay(@Param('id') id: string): Promise<{ readonly accepted: true }> {
    await this.own(id);
    await this.letters.replay(id);
    return { accepted: true };
  }

  @Delete('dead/:id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Forget the message for good' })
  async drop(@Param('id') id: string): Promise<void> {
    await this.own(id);
    await this.letters.drop(id);
  }

  @Get('parked')
  @ApiOperation({ summary: 'Events that could not be published, the first of each stream' })
  async parked(): Promise<AsJson<ParkedPublication>[]> {
    return asJson((await this.runtime.publisher?.parked.list()) ?? []);
  }

  @Post('parked/:id/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Publish an event and those behind it' })
  retry(@Param('id') id: string): Promise<PublicationRetry> {
    return this.parking(id).retry(id);
  }

  @Post('parked/:id/skip')
  @HttpCode(200)
  @ApiOperation({ summary: 'Never publish an event; those behind it go out' })
  skip(@Param('id') id: string): Promise<PublicationRetry> {
    return this.parking(id).skip(id);
  }

  private parking(id: string) {
    if (!this.runtime.publisher) throw new NotParkedPublication(id);
    return this.runtime.publisher.parked;
  }

  private async own(id: string): Promise<DeadLetter> {
    const letter = await this.letters.show(id);
    if (letter.context !== this.map.name)
      throw new NotFound(`The dead letter '${id}' is not of this context but of '${letter.context}': ask that one.`);
    return letter;
  }
}
