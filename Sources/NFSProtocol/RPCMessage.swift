package import Primitives

/// Who calls, as AUTH_SYS says it (RFC 5531 appendix A). Nothing vouches for it but the network.
package struct RPCCredential: Hashable, Sendable {
    package var flavor: UInt32
    package var machine: [UInt8] = []
    package var user: UInt32
    package var group: UInt32
    /// At most 16.
    package var groups: [UInt32] = []

    package static let none: UInt32 = 0
    package static let sys: UInt32 = 1
    /// Of a call without a credential, and of squashed users: the customary `nobody`.
    package static let nobody: UInt32 = 65_534
}

/// A call of a program (RFC 5531 §9).
package struct RPCCall: Sendable {
    package var transaction: UInt32
    package var program: UInt32
    package var version: UInt32
    package var procedure: UInt32
    package var credential: RPCCredential
    /// The arguments of the procedure.
    package var arguments: XDRReader
}

/// What came instead of a call that can be carried out.
package enum RPCRefusal: Error, Hashable, Sendable {
    /// Not to be answered: no call at all.
    case notACall
    case rpcMismatch(transaction: UInt32)
    /// The number is RFC 5531's auth_stat.
    case authentication(transaction: UInt32, UInt32)
}

extension RPCCall {
    package init(record: [UInt8]) throws(RPCRefusal) {
        var reader = XDRReader(record)
        guard let transaction = try? reader.uint32(), (try? reader.uint32()) == 0, let rpcVersion = try? reader.uint32() else {
            throw .notACall
        }
        guard rpcVersion == 2 else { throw .rpcMismatch(transaction: transaction) }
        do {
            let (program, version, procedure) = (try reader.uint32(), try reader.uint32(), try reader.uint32())
            let flavor = try reader.uint32()
            // RFC 5531 §8.2: 400 bytes at most.
            let body = try reader.opaque(limit: 400)
            _ = try reader.uint32()
            _ = try reader.opaque(limit: 400)
            self.init(
                transaction: transaction, program: program, version: version, procedure: procedure,
                credential: try Self.credential(flavor, body, transaction), arguments: reader)
        } catch let refusal as RPCRefusal {
            throw refusal
        } catch {
            throw .authentication(transaction: transaction, 1)
        }
    }

    private static func credential(_ flavor: UInt32, _ body: ArraySlice<UInt8>, _ transaction: UInt32) throws -> RPCCredential {
        switch flavor {
        case RPCCredential.none: return RPCCredential(flavor: flavor, user: RPCCredential.nobody, group: RPCCredential.nobody)
        case RPCCredential.sys:
            var reader = XDRReader(body)
            _ = try reader.uint32()
            let machine = Array(try reader.opaque(limit: 255))
            let (user, group) = (try reader.uint32(), try reader.uint32())
            var groups: [UInt32] = []
            for _ in 0..<(try reader.count(limit: 16)) { groups.append(try reader.uint32()) }
            try reader.finish()
            return RPCCredential(flavor: flavor, machine: machine, user: user, group: group, groups: groups)
        // AUTH_TOOWEAK: another flavor would be needed, and RPCSEC_GSS is not spoken here.
        default: throw RPCRefusal.authentication(transaction: transaction, 5)
        }
    }
}

/// The heads of replies (RFC 5531 §9).
package enum RPCReply {
    package enum Accepted: UInt32, Sendable {
        case success = 0
        case programUnavailable = 1
        case programMismatch = 2
        case procedureUnavailable = 3
        case garbageArguments = 4
        case systemError = 5
    }

    package static func accepted(_ transaction: UInt32, _ status: Accepted) -> XDRWriter {
        var writer = XDRWriter(reserving: 64)
        writer.write(transaction)
        writer.write(UInt32(1))
        writer.write(UInt32(0))
        // No verifier.
        writer.write(UInt32(0))
        writer.write(UInt32(0))
        writer.write(status.rawValue)
        return writer
    }

    /// Only version 4 of the program is served.
    package static func programMismatch(_ transaction: UInt32) -> [UInt8] {
        var writer = accepted(transaction, .programMismatch)
        writer.write(UInt32(4))
        writer.write(UInt32(4))
        return writer.bytes
    }

    /// Nil where there is nobody to answer.
    package static func denied(_ refusal: RPCRefusal) -> [UInt8]? {
        var writer = XDRWriter()
        switch refusal {
        case .notACall: return nil
        case .rpcMismatch(let transaction):
            for word in [transaction, 1, 1, 0, 2, 2] { writer.write(word) }
        case .authentication(let transaction, let why):
            for word in [transaction, 1, 1, 1, why] { writer.write(word) }
        }
        return writer.bytes
    }
}
