package import Primitives

// The whole state as bytes: for snapshots, and for the digest by which replicas are compared.
extension CatalogState: XDRCodable {
    /// Version of the form below.
    static let snapshotVersion: UInt32 = 3

    /// SHA-256 of the state; equal on replicas that have applied the same entries.
    package var digest: Digest { SHA256.hash(xdrBytes) }

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.snapshotVersion)
        writer.write(appliedIndex)
        writer.write(cluster != nil)
        if let cluster {
            writer.write(cluster.high)
            writer.write(cluster.low)
            writer.write(cluster.name)
            writer.write(cluster.format)
            writer.write(cluster.created)
        }
        writer.write(catalogPlan)
        writer.write(catalogPlanRevision)
        writer.write(catalogSettledPlan)
        writer.write(nodesRevision)
        for counter in [nextNode, nextGroup, nextToken] { writer.write(counter) }
        writer.write(nodes.values)
        writer.write(regions.values)
        writer.write(environments.values)
        writer.write(filesystems.values)
        writer.write(apps.values)
        writer.write(tokens.values)
        writer.write(history)
        writer.write(clients)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init()
        let version = try reader.uint32()
        guard version == Self.snapshotVersion else { throw .badValue(what: "version of a catalog snapshot", value: UInt64(version)) }
        appliedIndex = try reader.uint64()
        if try reader.bool() {
            cluster = Cluster(
                high: try reader.uint64(), low: try reader.uint64(), name: try reader.string(limit: CatalogName.maximumLength),
                format: try reader.uint32(), created: try reader.value())
        }
        catalogPlan = try reader.optional()
        catalogPlanRevision = try reader.uint64()
        catalogSettledPlan = try reader.uint64()
        nodesRevision = try reader.uint64()
        nextNode = try reader.uint64()
        nextGroup = try reader.uint64()
        nextToken = try reader.uint64()
        nodes = try reader.table("node", limit: CatalogLimits.nodes) { $0.id }
        regions = try reader.table("region", limit: CatalogLimits.nodes) { $0.id }
        environments = try reader.table("environment", limit: CatalogLimits.environments) { $0.name }
        filesystems = try reader.table("file system", limit: CatalogLimits.filesystems) { $0.id }
        apps = try reader.table("app", limit: CatalogLimits.runningApps + CatalogLimits.stoppedApps) { $0.id }
        tokens = try reader.table("token", limit: CatalogLimits.tokens) { $0.id }
        history = try reader.array(limit: CatalogLimits.history)
        clients = try reader.value()
        try rebuildIndexes()
    }

    /// Fills what is computed from the rest, and refuses a snapshot whose parts contradict each other.
    private mutating func rebuildIndexes() throws(XDRError) {
        for record in filesystems.values {
            guard groups.insert(record.group, record.id) == nil, record.group.rawValue < nextGroup else {
                throw .badValue(what: "group of one file system", value: record.group.rawValue)
            }
            guard record.isActive, let name = record.name else { continue }
            guard names.insert(NameKey(environment: record.environment, name: name), record.id) == nil else {
                throw .badValue(what: "group of a file system with a name of its own", value: record.group.rawValue)
            }
        }
        for app in apps.values {
            if app.isRunning { runningApps += 1 }
            for id in app.filesystems where filesystems[id]?.owner != app.id || !app.isRunning {
                throw .badValue(what: "file system of an app", value: id.low)
            }
        }
        for token in tokens.values where tokensByHash.insert(token.secretHash, token.id) != nil {
            throw .badValue(what: "token with a secret of its own", value: token.id.rawValue)
        }
    }

    package func checkInvariants() {
        clients.checkInvariants()
        precondition(history.count <= CatalogLimits.history, "history of \(history.count)")
        precondition((nodes.last?.key.rawValue ?? 0) < nextNode, "number of a node used ahead of the counter")
        var named = 0
        for (id, record) in filesystems {
            precondition(groups[record.group] == id, "group of \(id)")
            precondition(record.group.rawValue < nextGroup, "group of \(id) used ahead of the counter")
            precondition(environments.contains(record.environment) || !record.isActive, "environment of \(id)")
            precondition((record.name == nil) == record.isEphemeral, "\(id) must have either a name or an owner")
            if record.isActive, let owner = record.owner {
                precondition(apps[owner]?.filesystems.contains(id) ?? false, "\(owner) does not list \(id)")
                precondition(apps[owner]?.isRunning ?? false, "\(id) outlives \(owner)")
            }
            if record.isActive, let name = record.name {
                named += 1
                precondition(names[NameKey(environment: record.environment, name: name)] == id, "name of \(id)")
            }
            precondition(
                record.settledPlan <= record.planRevision && record.settledNodes <= nodesRevision, "\(id) is settled ahead of time")
            precondition(
                record.writers.map { record.kind == .volume && $0 != record.region && regions.contains($0) } ?? true, "writers of \(id)")
            for replica in record.plan.replicas { precondition(nodes[replica.node]?.region == replica.region, "\(replica) of \(id)") }
        }
        precondition(named == names.count && groups.count == filesystems.count, "an index names what is not there")
        precondition(apps.values.count(where: \.isRunning) == runningApps, "count of running apps")
        precondition(apps.count - runningApps <= CatalogLimits.stoppedApps, "too many stopped apps")
        precondition(tokens.count == tokensByHash.count, "an index of tokens names what is not there")
    }
}
