"""Payments, banking, commerce, shipping, markets."""

from __future__ import annotations

from guardrails.detectors.secret_rules.rule import ALNUM, HEX, UUID, Named, Rule, named, token

RULES: tuple[Rule | Named, ...] = (
    token("stripe_key", r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{15,247}", "[sr]k_(?:live|test|prod)_"),
    token("stripe_webhook_secret", r"whsec_[A-Za-z0-9+/]{32,64}={0,2}"),
    token("square_token", r"sq0(?:atp|csp|idp)-[\w-]{22,43}", "sq0(?:atp|csp|idp)-"),
    token("square_access_token", r"EAAA[\w-]{60}", "EAAA[A-Za-z0-9_-]{8}"),
    token(
        "braintree_token", rf"access_token\$(?:production|sandbox)\$[a-z0-9]{{16}}\${HEX}{{32}}", r"access_token\$(?:production|sandbox)"
    ),
    named("braintree_key", "braintree", HEX + "{32}"),
    named("paypal_secret", "paypal", r"[A-Za-z0-9_-]{80}|E[A-Za-z0-9_-]{60,79}"),
    token("adyen_key", r"AQE[a-z]hm[A-Za-z0-9+/*=_-]{60,300}", "AQE[a-z]hm"),
    token("razorpay_key", r"rzp_(?:live|test)_[A-Za-z0-9]{14}", "rzp_(?:live|test)_"),
    named("razorpay_secret", "razorpay", ALNUM + "{24}"),
    token("flutterwave_key", r"FLW(?:SEC|PUB)K(?:_TEST)?-[a-h0-9]{12,32}(?:-\w{1,13})?-X", "FLW(?:SEC|PUB)K", is_caseless=True),
    token("plaid_access_token", rf"access-(?:sandbox|development|production)-{UUID}", "access-(?:sandbox|development|production)-"),
    named("plaid_key", "plaid", r"[a-f0-9]{30}|[a-f0-9]{24}|[A-Za-z0-9]{30}|[A-Za-z0-9]{24}"),
    token("mollie_or_chargebee_key", r"(?:live|test)_[A-Za-z0-9]{30,40}", "(?:live|test)_[A-Za-z0-9]{8}", least_bits=3.4),
    named("gocardless_token", "gocardless", r"(?:live|sandbox)_[A-Za-z0-9=_-]{40}"),
    token("easypost_key", r"EZ[AT]K[A-Za-z0-9]{54}", "EZ[AT]K[A-Za-z0-9]{8}"),
    token("shippo_key", rf"shippo_(?:live|test)_{HEX}{{40}}", "shippo_(?:live|test)_", is_caseless=True),
    token("lob_key", rf"(?:live|test)(?:_pub)?_{HEX}{{31,35}}", "(?:live|test)(?:_pub)?_[a-f0-9]{8}", least_bits=3.0),
    token("paddle_key", r"pdl_(?:live|sdbx)_apikey_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}", "pdl_(?:live|sdbx)_"),
    token("xendit_key", r"xnd_(?:production|development|public_production|public_development)_[A-Za-z0-9]{40,80}", "xnd_(?:p|d)"),
    token("midtrans_key", r"(?:SB-)?Mid-(?:server|client)-[\w-]{16,24}", "Mid-(?:server|client)-"),
    token("omise_key", r"[ps]key_(?:test_)?[a-z0-9]{19}", "[ps]key_(?:test_)?[a-z0-9]{8}"),
    token("pagarme_key", r"[ae]k_(?:live|test)_[A-Za-z0-9]{30}", "[ae]k_(?:live|test)_"),
    token("mercadopago_token", rf"(?:APP_USR|TEST)-\d{{12,18}}-\d{{6}}-{HEX}{{32}}(?:-\d{{5,12}})?", r"(?:APP_USR|TEST)-\d{12}"),
    token("duffel_token", r"duffel_(?:test|live)_[\w=-]{43}", "duffel_(?:test|live)_"),
    token("shopify_token", r"shp(?:at|ca|pa|ss|tka|ua)_[a-fA-F0-9]{32}", "shp(?:at|ca|pa|ss|tka|ua)_"),
    named("finicity_key", "finicity", HEX + r"{32}|[a-z0-9]{20}"),
    named("coinbase_token", "coinbase", r"[A-Za-z0-9_-]{64}|[A-Za-z0-9+/]{86}==|[A-Za-z0-9]{16}"),
    named("binance_key", "binance", ALNUM + "{64}"),
    named("bittrex_key", "bittrex", ALNUM + "{32}"),
    named("kraken_key", "kraken", r"[A-Za-z0-9/=_+-]{80,90}"),
    named("kucoin_key", "kucoin", HEX + rf"{{24}}|{UUID}"),
    named("bybit_or_okx_key", "bybit|okx|bitget|bitmex", ALNUM + r"{18}|[A-Za-z0-9]{36}|" + UUID),
    named("etsy_key", "etsy", "[a-z0-9]{24}"),
    named("wise_token", "transferwise|wise_api", UUID),
    named("finnhub_key", "finnhub", "[a-z0-9]{20}"),
    named("polygon_key", "polygon_|polygon-|polygon\\.io", ALNUM + r"{32}|[a-z0-9]{26}"),
    named("alpaca_key", "alpaca|apca", r"[PC]K[A-Z0-9]{18,24}|[A-Za-z0-9]{40,44}"),
    named("alphavantage_key", "alpha_?vantage|alphavantage", "[A-Z0-9]{16}", "alpha_?vantage"),
    named("tradier_key", "tradier", ALNUM + "{28}"),
    named("quickbooks_or_xero_secret", "quickbooks|intuit|xero", r"[A-Za-z0-9_-]{40,50}"),
    named("taxjar_key", "taxjar", ALNUM + "{32}"),
    named("recurly_key", "recurly", HEX + "{32}"),
    named("freshbooks_token", "freshbooks", HEX + "{64}"),
    named(
        "currency_rates_key",
        "currencylayer|exchangerate|openexchange|fixerio|fixer|coinlayer|currencycloud",
        r"[a-f0-9]{64}|[a-f0-9]{32}|[a-f0-9]{24}|[A-Za-z0-9]{32}",
    ),
    named(
        "financial_data_key",
        "intrinio|iexcloud|quandl|nasdaq|tiingo|twelvedata|coinmarketcap|cryptocompare|coinapi",
        r"[a-f0-9]{64}|[a-z0-9]{32,44}|[\w-]{20}|" + UUID,
    ),
    token("iex_key", rf"[ps]k_{HEX}{{32}}", "[ps]k_[a-f0-9]{8}"),
    named("shipping_key", "easyship|shipstation|aftership|shipengine|shipday|sendcloud", r"[A-Za-z0-9+/_-]{32,64}={0,2}|" + UUID),
    named(
        "ecommerce_key", "bigcommerce|woocommerce|snipcart|commercejs|ecwid|magento|storyblok", r"c[ks]_[a-f0-9]{40}|[A-Za-z0-9_-]{24,90}"
    ),
    token("woocommerce_key", rf"c[ks]_{HEX}{{40}}", "c[ks]_[a-f0-9]{8}"),
)
