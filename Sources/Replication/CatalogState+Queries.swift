package import Primitives

/// One line of the uniform list of objects: apps and file systems alike.
package struct CatalogObject: Hashable, Sendable {
    package let id: String
    /// `app`, `nfs` or `volume`.
    package let kind: String
    /// The name; empty for an ephemeral file system.
    package let name: String
    /// `running`, `stopped`, `expired`, `finished`, `active` or `deleting`.
    package let state: String
    package let created: WallTime
    package let createdBy: String
    /// When it was stopped or deleted.
    package let stopped: WallTime?
    package let tasks: UInt32
}

// Look-ups. They change nothing and may be asked of any replica.
extension CatalogState {
    // MARK: File systems

    /// The active file system that is meant.
    package func find(_ selector: FilesystemSelector, _ operation: String) throws(CatalogError) -> FilesystemRecord {
        switch selector {
        case .id(let id):
            guard let record = filesystems[id] else { throw missing(selector, operation) }
            if case .deleting(let at, let by) = record.state {
                throw CatalogError(.notFound, operation, id.description, "it was deleted at \(at.utcText) by \(by)")
            }
            return record
        case .name(let name, let kind, let environment):
            if let kind { try CatalogName.check(kind, name, operation) }
            try requireEnvironment(environment, operation)
            guard let id = names[NameKey(environment: environment, name: name)], let record = filesystems[id] else {
                throw missing(selector, operation)
            }
            if let kind, record.kind != kind { throw wrongKind(record, selector, operation, wanted: kind) }
            return record
        }
    }

    func missing(_ selector: FilesystemSelector, _ operation: String) -> CatalogError {
        switch selector {
        case .id(let id):
            CatalogError(.notFound, operation, id.description, "there is no such \(id.kind.noun)", hint: "it may have been deleted")
        case .name(_, let kind?, _):
            CatalogError(.notFound, operation, selector.description, "there is no such \(kind.noun)", hint: "see `atoll \(kind.word) list`")
        case .name(_, nil, _):
            CatalogError(
                .notFound, operation, selector.description, "there is no such file system",
                hint: "see `atoll nfs list` and `atoll volume list`")
        }
    }

    func wrongKind(
        _ found: FilesystemRecord, _ selector: FilesystemSelector, _ operation: String, wanted: FilesystemKind
    ) -> CatalogError {
        CatalogError(
            .wrongKind, operation, selector.description, "it already exists as \(found.kind.aNoun), not \(wanted.aNoun)",
            hint: "use `atoll \(found.kind.word) …`, or another name")
    }

    /// The active file systems of an environment (nil for all), newest first.
    package func filesystems(of kind: FilesystemKind?, in environment: EnvironmentName?, createdBefore: WallTime? = nil)
        -> [FilesystemRecord]
    {
        filesystems.values.filter { record in
            record.isActive && (kind == nil || record.kind == kind) && (environment == nil || record.environment == environment)
                && (createdBefore.map { record.created < $0 } ?? true)
        }.sorted { ($1.created, $1.group) < ($0.created, $0.group) }
    }

    /// The file system of a group, active or being deleted.
    package func filesystem(of group: GroupID) -> FilesystemRecord? { groups[group].flatMap { filesystems[$0] } }

    /// What `body` makes of the file system of a group where its record lies, which is not copied for it.
    package func with<Result>(_ group: GroupID, _ body: (FilesystemRecord) -> Result) -> Result? {
        groups[group].flatMap { filesystems.with($0, body) }
    }

    /// Every group that a node shall hold a replica of, by number; the catalog's own first.
    package func placements(on node: NodeID) -> [(group: GroupID, plan: ReplicaPlan)] {
        var out: [(group: GroupID, plan: ReplicaPlan)] = []
        if let catalogPlan, catalogPlan.contains(node) { out.append((.catalog, catalogPlan)) }
        for (group, id) in groups {
            guard let record = filesystems[id], record.isActive, record.plan.contains(node) else { continue }
            out.append((group, record.plan))
        }
        return out
    }

    /// The groups of file systems behind this one, by number.
    package func groupTable(after group: GroupID) -> OrderedTable<GroupID, FilesystemID>.Iterator {
        groups.entries(from: GroupID(group.rawValue + 1))
    }

    // MARK: Apps and objects

    package var hasRunningApps: Bool { runningApps > 0 }

    /// The app that is meant, running or not; a running one is preferred where several have the name.
    package func app(_ selector: AppSelector) -> AppRecord? {
        switch selector {
        case .id(let id): apps[id]
        case .name(let name, let environment):
            apps.values.filter { $0.name == name && $0.environment == environment }
                .max { ($0.isRunning ? 1 : 0, $0.created, $0.id) < ($1.isRunning ? 1 : 0, $1.created, $1.id) }
        }
    }

    /// The apps of an environment (nil for all), newest first.
    package func apps(in environment: EnvironmentName?) -> [AppRecord] {
        apps.values.filter { environment == nil || $0.environment == environment }.sorted { ($1.created, $1.id) < ($0.created, $0.id) }
    }

    /// Apps and file systems in one list, newest first.
    package func objects(in environment: EnvironmentName?) -> [CatalogObject] {
        let running = apps(in: environment).map { app in
            var state = "running"
            var end: WallTime?
            if case .stopped(let at, _, let reason) = app.state { (state, end) = (reason.word, at) }
            return CatalogObject(
                id: app.id.description, kind: "app", name: app.name, state: state, created: app.created, createdBy: app.createdBy,
                stopped: end, tasks: app.tasks)
        }
        let stored = filesystems.values.filter { environment == nil || $0.environment == environment }.map { record in
            var end: WallTime?
            if case .deleting(let at, _) = record.state { end = at }
            return CatalogObject(
                id: record.id.description, kind: record.kind.word, name: record.name ?? "", state: end == nil ? "active" : "deleting",
                created: record.created, createdBy: record.createdBy, stopped: end, tasks: 0)
        }
        return (running + stored).sorted { ($1.created, $1.id) < ($0.created, $0.id) }
    }

    /// What happened to an app and to what it owned, oldest first; nil for everything.
    package func history(of app: AppID?) -> [CatalogEvent] { history.filter { app == nil || $0.owner == app } }

    // MARK: Nodes

    /// The nodes that are not removed, all believed alive and no link measured: the caller adds what gossip says.
    package var regionTable: RegionTable {
        RegionTable(
            nodes: nodes.values.filter { $0.state != .removed }.map {
                RegionTable.Node(id: $0.id, region: $0.region, weight: $0.weight, acceptsData: $0.state == .active)
            })
    }

    package func node(named name: String) -> NodeRecord? { nodes.values.first { $0.name == name && $0.state != .removed } }
}
