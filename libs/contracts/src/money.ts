import { IsInt, Matches, Min } from 'class-validator';

/** An amount of money as it travels between contexts. */
export class Money {
  /** In the minor unit of the currency: cents for EUR. */
  @IsInt()
  @Min(0)
  amount!: number;

  /** ISO 4217, three capital letters. */
  @Matches(/^[A-Z]{3}$/, { message: 'currency must be an ISO 4217 code of three capital letters' })
  currency!: string;
}
