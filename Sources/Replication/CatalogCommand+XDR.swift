package import Primitives

// The wire form of commands: a discriminant and the payload, in the order of declaration
// (docs/reference). Numbers are never used again for something else.

extension FilesystemSelector: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .id(let id):
            writer.write(UInt32(1))
            writer.write(id)
        case .name(let name, let kind, let environment):
            writer.write(UInt32(2))
            writer.write(name)
            writer.write(kind?.rawValue ?? 0)
            writer.write(environment)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32("selector of a file system", in: 1...2) {
        case 1: self = .id(try reader.value())
        default:
            let name = try reader.string(limit: CatalogCommand.textLimit)
            let raw = try reader.uint32("kind of file system", in: 0...2)
            self = .name(name, FilesystemKind(rawValue: raw), try reader.value())
        }
    }
}

extension AppSelector: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .id(let id):
            writer.write(UInt32(1))
            writer.write(id)
        case .name(let name, let environment):
            writer.write(UInt32(2))
            writer.write(name)
            writer.write(environment)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32("selector of an app", in: 1...2) {
        case 1: self = .id(try reader.value())
        default: self = .name(try reader.string(limit: CatalogCommand.textLimit), try reader.value())
        }
    }
}

extension CreationMode: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .lookup: writer.write(UInt32(1))
        case .createIfMissing: writer.write(UInt32(2))
        case .createFailIfExists: writer.write(UInt32(3))
        case .ephemeral(let owner):
            writer.write(UInt32(4))
            writer.write(owner)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32("mode of creation", in: 1...4) {
        case 1: self = .lookup
        case 2: self = .createIfMissing
        case 3: self = .createFailIfExists
        default: self = .ephemeral(owner: try reader.value())
        }
    }
}

extension FilesystemRequest: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(kind.rawValue)
        writer.write(optional: name)
        writer.write(environment)
        writer.write(mode)
        writer.write(high)
        writer.write(low)
        writer.write(region)
        writer.write(policy)
        writer.write(plan)
        writer.write(options)
        writer.write(expectedVersion)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            kind: try reader.choice("kind of file system"), name: try reader.optionalString(limit: CatalogCommand.textLimit),
            environment: try reader.value(), mode: try reader.value(), high: try reader.uint64(), low: try reader.uint64(),
            region: try reader.value(), policy: try reader.value(), plan: try reader.value(), options: try reader.value(),
            expectedVersion: try reader.uint32())
    }
}

extension CatalogCommand: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(stamp)
        writer.write(at)
        writer.write(by)
        writer.write(action)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            stamp: try reader.optional(), at: try reader.value(), by: try reader.string(limit: Self.principalLimit),
            action: try reader.value())
    }
}

extension CatalogAction: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .bootstrap(let high, let low, let name, let format, let nodes, let plan):
            writer.write(UInt32(1))
            writer.write(high)
            writer.write(low)
            writer.write(name)
            writer.write(format)
            writer.write(nodes)
            writer.write(plan)
        case .registerNode(let node, let number):
            writer.write(UInt32(2))
            writer.write(node)
            writer.write(number)
        case .updateNode(let id, let endpoints, let weight):
            writer.write(UInt32(3))
            writer.write(id)
            writer.write(endpoints != nil)
            if let endpoints { writer.write(endpoints) }
            writer.write(weight != nil)
            if let weight { writer.write(weight) }
        case .drainNode(let id): writer.write(number: 4, id)
        case .resumeNode(let id): writer.write(number: 5, id)
        case .removeNode(let id, let force):
            writer.write(number: 6, id)
            writer.write(force)
        case .createEnvironment(let name): writer.write(number: 7, name)
        case .deleteEnvironment(let name): writer.write(number: 8, name)
        case .createFilesystem(let request): writer.write(number: 9, request)
        case .renameFilesystem(let selector, let name):
            writer.write(number: 10, selector)
            writer.write(name)
        case .deleteFilesystem(let selector, let allowMissing):
            writer.write(number: 11, selector)
            writer.write(allowMissing)
        case .purgeFilesystem(let id): writer.write(number: 12, id)
        case .setOptions(let selector, let options, let policy):
            writer.write(number: 13, selector)
            writer.write(options)
            writer.write(policy)
        case .changePlacement(let group, let plan, let revision):
            writer.write(number: 14, group)
            writer.write(plan)
            writer.write(revision)
        case .createApp(let high, let low, let name, let about, let environment, let leaseSeconds, let tasks):
            writer.write(UInt32(15))
            writer.write(high)
            writer.write(low)
            writer.write(name)
            writer.write(about)
            writer.write(environment)
            writer.write(leaseSeconds)
            writer.write(tasks)
        case .heartbeatApp(let id, let tasks):
            writer.write(number: 16, id)
            writer.write(tasks)
        case .stopApp(let selector, let reason):
            writer.write(number: 17, selector)
            writer.write(reason.rawValue)
        case .expire: writer.write(UInt32(18))
        case .createToken(let secretHash, let scopes, let about, let expiry):
            writer.write(number: 19, secretHash)
            writer.write(scopes)
            writer.write(about)
            writer.write(expiry)
        case .revokeToken(let id): writer.write(number: 20, id)
        case .nothing: writer.write(UInt32(21))
        case .settlePlacement(let group, let plan, let nodes):
            writer.write(number: 22, group)
            writer.write(plan)
            writer.write(nodes)
        case .noteWriters(let group, let region):
            writer.write(number: 23, group)
            writer.write(region)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let number = try reader.uint32("catalog command", in: 1...23)
        switch number {
        case 1...6: self = try Self.node(number, &reader)
        case 7: self = .createEnvironment(try reader.value())
        case 8: self = .deleteEnvironment(try reader.value())
        case 9...14: self = try Self.filesystem(number, &reader)
        case 15:
            self = .createApp(
                high: try reader.uint64(), low: try reader.uint64(), name: try reader.string(limit: CatalogCommand.textLimit),
                about: try reader.string(limit: CatalogCommand.textLimit), environment: try reader.value(),
                leaseSeconds: try reader.uint32(), tasks: try reader.uint32())
        case 16: self = .heartbeatApp(try reader.value(), tasks: try reader.uint32())
        case 17: self = .stopApp(try reader.value(), try reader.choice("reason to stop"))
        case 18: self = .expire
        case 19:
            self = .createToken(
                secretHash: try reader.value(), scopes: try reader.array(limit: AccessToken.maximumScopes),
                about: try reader.string(limit: CatalogCommand.textLimit), expiry: try reader.optional())
        case 20: self = .revokeToken(try reader.value())
        case 21: self = .nothing
        case 22: self = .settlePlacement(try reader.value(), plan: try reader.uint64(), nodes: try reader.uint64())
        default: self = .noteWriters(try reader.value(), try reader.value())
        }
    }

    private static func node(_ number: UInt32, _ reader: inout XDRReader) throws(XDRError) -> CatalogAction {
        switch number {
        case 1:
            return .bootstrap(
                high: try reader.uint64(), low: try reader.uint64(), name: try reader.string(limit: CatalogCommand.textLimit),
                format: try reader.uint32(), nodes: try reader.array(limit: CatalogCommand.maximumBootstrapNodes),
                catalogPlan: try reader.value())
        case 2: return .registerNode(try reader.value(), number: try reader.optional())
        case 3:
            let id: NodeID = try reader.value()
            let endpoints: [NodeEndpoint]? = try reader.bool() ? try reader.array(limit: NodeRecord.maximumEndpoints) : nil
            return .updateNode(id, endpoints: endpoints, weight: try reader.bool() ? try reader.uint32() : nil)
        case 4: return .drainNode(try reader.value())
        case 5: return .resumeNode(try reader.value())
        default: return .removeNode(try reader.value(), force: try reader.bool())
        }
    }

    private static func filesystem(_ number: UInt32, _ reader: inout XDRReader) throws(XDRError) -> CatalogAction {
        switch number {
        case 9: return .createFilesystem(try reader.value())
        case 10: return .renameFilesystem(try reader.value(), to: try reader.string(limit: CatalogCommand.textLimit))
        case 11: return .deleteFilesystem(try reader.value(), allowMissing: try reader.bool())
        case 12: return .purgeFilesystem(try reader.value())
        case 13: return .setOptions(try reader.value(), try reader.optional(), try reader.optional())
        default: return .changePlacement(try reader.value(), try reader.value(), expectedRevision: try reader.uint64())
        }
    }
}

extension XDRWriter {
    /// A discriminant and its first payload.
    fileprivate mutating func write(number: UInt32, _ value: some XDRCodable) {
        write(number)
        write(value)
    }
}
