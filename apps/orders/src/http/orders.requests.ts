import { sortedBy } from '@annals/nestjs';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsEmail,
  IsInt,
  IsIn,
  IsISO4217CurrencyCode,
  IsNotEmpty,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { orderStatuses, type OrderStatus } from '../read-models/order-summary/order-summary.entity.js';

/** What an id may look like wherever a client chooses it. */
const id = /^[\w.:-]{1,100}$/;
const idMessage = { message: '$property must be 1 to 100 letters, digits, or . : _ -' };

export class MoneyBody {
  @IsInt()
  @Min(0)
  @Max(100_000_000)
  @ApiProperty({ description: "In the currency's minor unit (cents)", example: 450 })
  amount!: number;

  @IsISO4217CurrencyCode()
  @ApiProperty({ example: 'EUR' })
  currency!: string;
}

export class OrderLineBody {
  @Matches(id, idMessage)
  @ApiProperty({ example: 'tea' })
  sku!: string;

  @IsInt()
  @Min(1)
  @Max(10_000)
  @ApiProperty({ example: 2 })
  quantity!: number;

  @ValidateNested()
  @Type(() => MoneyBody)
  @IsNotEmpty()
  @ApiProperty()
  unitPrice!: MoneyBody;
}

export class AddressBody {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  @ApiProperty({ example: 'Ada Lovelace' })
  name!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  @ApiProperty({ example: 'Hauptstraße 1' })
  street!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(20)
  @ApiProperty({ example: '10115' })
  postcode!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  @ApiProperty({ example: 'Berlin' })
  city!: string;

  @Matches(/^[A-Z]{2}$/, { message: 'country must be an ISO 3166-1 code of two capital letters' })
  @ApiProperty({ description: 'ISO 3166-1 code; the simulated carrier does not deliver to AQ', example: 'DE' })
  country!: string;
}

export class PlaceOrderBody {
  @IsOptional()
  @Matches(id, idMessage)
  @ApiPropertyOptional({ description: 'Chosen by the client, or made here', example: 'o-1001' })
  orderId?: string;

  @IsOptional()
  @Matches(id, idMessage)
  @ApiPropertyOptional({ description: 'Whose order it is: for customers always themselves', example: 'c-42' })
  customerId?: string;

  @IsEmail()
  @MaxLength(200)
  @ApiProperty({ description: "Where the customer is told of the order's way", example: 'ada@example.com' })
  email!: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(200)
  @ValidateNested({ each: true })
  @Type(() => OrderLineBody)
  @ApiProperty({ type: [OrderLineBody] })
  lines!: OrderLineBody[];

  @ValidateNested()
  @Type(() => AddressBody)
  @IsNotEmpty()
  @ApiProperty()
  shipTo!: AddressBody;

  @Matches(/^\d{12,19}$/, { message: 'cardNumber must be 12 to 19 digits' })
  @ApiProperty({
    description: 'A test card: 4242424242424242 is accepted, 4000000000000002 is declined',
    example: '4242424242424242',
  })
  cardNumber!: string;
}

export class CancelOrderBody {
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  @ApiProperty({ example: 'changed my mind' })
  reason!: string;
}

export class OrdersQuery extends sortedBy('placedAt', 'totalAmount') {
  @IsOptional()
  @Matches(id, idMessage)
  @ApiPropertyOptional({ description: "Only this customer's; customers see their own alone", example: 'c-42' })
  customerId?: string;

  @IsOptional()
  @IsIn(orderStatuses)
  @ApiPropertyOptional({ enum: orderStatuses, example: 'confirmed' })
  status?: OrderStatus;
}

export class OrderAccepted {
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @ApiProperty({ description: "Revision of the order's stream", example: 0 })
  revision!: number;
}
