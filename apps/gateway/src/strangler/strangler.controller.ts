import { operatorRole, Roles } from '@annals/nestjs';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { RuleBook } from './rule-book.js';
import type { Rules } from './rules.js';
import type { ShadowCounters } from './shadow.js';
import { Shadows } from './shadows.js';

export interface StranglerState {
  readonly rules: Rules;
  /** By the path of the route. */
  readonly shadows: Readonly<Record<string, ShadowCounters>>;
}

/** For operators: which rules hold, and what shadow reads found. */
@Controller('admin/strangler')
@Roles(operatorRole)
@ApiExcludeController()
export class StranglerController {
  constructor(
    private readonly book: RuleBook,
    private readonly shadows: Shadows,
  ) {}

  @Get()
  state(): StranglerState {
    return { rules: this.book.rules, shadows: this.shadows.counters() };
  }

  /** Reads the rules at once, instead of when the file is next looked at. */
  @Post('reload')
  @HttpCode(200)
  async reload(): Promise<StranglerState> {
    await this.book.reload();
    return this.state();
  }
}
