package import Primitives

extension CatalogState {
    mutating func createToken(
        _ hash: Digest, _ scopes: [AccessScope], _ about: String, _ expiry: WallTime?, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        func fail(_ code: CatalogError.Code, _ cause: String) -> CatalogError {
            CatalogError(code, operation, "'\(CatalogName.shown(about))'", cause)
        }
        guard !scopes.isEmpty else { throw fail(.invalidArgument, "a token needs a scope") }
        guard scopes.count <= AccessToken.maximumScopes else {
            throw fail(.invalidArgument, "more than \(AccessToken.maximumScopes) scopes")
        }
        guard about.utf8.count <= AccessToken.maximumDescription else {
            throw fail(.invalidArgument, "the description is longer than \(AccessToken.maximumDescription) bytes")
        }
        if let expiry, expiry <= command.at { throw fail(.invalidArgument, "it would have expired at \(expiry.utcText)") }
        for scope in scopes {
            switch scope {
            case .clusterAdmin: break
            case .filesystem(let id, _): _ = try find(.id(id), operation)
            case .environment(let name, _): try requireEnvironment(name, operation)
            }
        }
        guard !tokensByHash.contains(hash) else { throw fail(.alreadyExists, "a token with this secret exists") }
        guard tokens.count < CatalogLimits.tokens else { throw fail(.exhausted, "there are \(tokens.count) tokens, which is the limit") }
        let token = AccessToken(
            id: AccessTokenID(nextToken), secretHash: hash, scopes: scopes, about: about, created: command.at, createdBy: command.by,
            expiry: expiry, revoked: nil)
        nextToken += 1
        tokens[token.id] = token
        tokensByHash[hash] = token.id
        note(.created, token.id, command, scopes.prefix(4).map(\.description).joined(separator: " "))
        return .token(token.id)
    }

    mutating func revokeToken(_ id: AccessTokenID, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        guard let token = tokens[id] else {
            throw CatalogError(.notFound, command.action.operation, id.description, "there is no such token")
        }
        guard token.revoked == nil else { return .done }
        _ = tokens.update(id) { $0.revoked = command.at }
        note(.revoked, id, command)
        return .done
    }

    mutating func forget(_ token: AccessToken) {
        tokens[token.id] = nil
        tokensByHash[token.secretHash] = nil
    }

    /// The token of a secret, by its SHA-256; nil where it is unknown, expired or revoked. The look-up
    /// is by hash, so its duration says nothing of the secret.
    package func token(secretHash: Digest, at time: WallTime) -> AccessToken? {
        guard let id = tokensByHash[secretHash], let token = tokens[id], token.isValid(at: time) else { return nil }
        return token
    }
}
