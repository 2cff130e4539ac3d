"""The insurance platform (国家医保信息平台): envelope, signatures, transactions 3501-3513."""
