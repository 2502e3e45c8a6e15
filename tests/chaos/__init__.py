"""The product as processes between three emulated billings, while everything breaks at random; then the laws."""
