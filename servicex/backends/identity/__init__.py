"""Who people are: what an identity provider says of them."""
