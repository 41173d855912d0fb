import APIClient
import APISchema
import Filesystem
import Primitives

/// `create`, `list`, `rename` and `delete` of either kind.
extension FilesystemVerb {
    func create(
        _ name: String, region: String?, durability: String?, maximumLag: Double? = nil, maximumLagBytes: UInt64? = nil, json: Bool
    ) async throws {
        try await run { connection in
            var new = NewFilesystem(
                kind: kind, name: name, environment: target.environment, region: region.map { RegionID($0) }, durability: durability)
            new.maximumLag = maximumLag
            new.maximumLagBytes = maximumLagBytes
            let report: FilesystemReport
            do throws(FileFailure) {
                report = try await connection.client.createFilesystem(new)
            } catch {
                throw error.naming("'\(name)'")
            }
            guard !json else { return Show.json { report.write(to: &$0) } }
            Terminal.line("Created \(kind.noun) '\(name)' (\(report.id)) in environment '\(report.environment)'.")
            Terminal.line(
                kind == .nfs
                    ? "It lives in \(report.location): \(report.durability)." : "It is kept in \(report.location); \(report.durability).")
            Terminal.line("")
            Terminal.line(snippet(name))
        }
    }

    private func snippet(_ name: String) -> String {
        let environment = target.environment == "main" ? "" : " -e \(target.environment)"
        return """
              atoll \(kind.word) put\(environment) \(name) ./file /dir/
              atoll \(kind.word) ls\(environment) \(name) /dir
              atoll \(kind.word) get\(environment) \(name) /dir/file -
            """
    }

    func list(allEnvironments: Bool, json: Bool) async throws {
        try await run { connection in
            let reports = try await connection.client.filesystems(kind: kind, environment: allEnvironments ? nil : target.environment)
            guard !json else { return Show.json("filesystems", reports) }
            var table =
                kind == .nfs ? Table("Name", "Location", "Created at", "Id") : Table("Name", "Created at", "Created by", "Regions", "Id")
            for report in reports {
                let name = allEnvironments ? "\(report.environment)/\(report.label)" : report.label
                if kind == .nfs {
                    table.add(name, report.location, report.created.tableText, report.id.description)
                } else {
                    table.add(name, report.created.tableText, report.createdBy, report.location, report.id.description)
                }
            }
            table.show()
        }
    }

    func rename(_ old: String, to new: String, yes: Bool) async throws {
        try await run { connection in
            let report = try await find(old, connection)
            guard report.name != new else {
                throw CommandFailure.usage(operation, "'\(old)'", "this is its name already", hint: "say another one; nothing was changed")
            }
            try Terminal.confirm(
                "Rename \(kind.noun) '\(old)' to '\(new)'? Programs that use the old name will not find it.", yes: yes,
                operation: operation, object: old)
            do {
                _ = try await connection.client.rename(report.id, to: new)
            } catch let failure as FileFailure where failure.object == report.id.description || failure.object == "catalog" {
                var told = CommandFailure(failure, operation)
                told.object = "'\(old)'"
                throw told
            }
            Terminal.line("Renamed \(kind.noun) '\(old)' to '\(new)'.")
        }
    }

    func delete(_ name: String, allowMissing: Bool, yes: Bool) async throws {
        try await run { connection in
            let report: FilesystemReport
            do {
                report = try await find(name, connection)
            } catch let failure as CommandFailure where allowMissing && failure.object == "'\(name)'" {
                return Terminal.line("There is no \(kind.noun) '\(name)'.")
            }
            try await delete(report, yes: yes, connection)
        }
    }

    /// Asks first, or takes `yes`.
    func delete(_ report: FilesystemReport, yes: Bool, _ connection: Connection) async throws {
        try Terminal.confirm(
            "Irrevocably delete \(kind.noun) '\(report.label)' (\(report.id)) and all its data?", yes: yes, operation: operation,
            object: report.label)
        try await FailureNames(report, operation).run { try await connection.client.delete(report.id) }
        Terminal.line("Deleted \(kind.noun) '\(report.label)' (\(report.id)).")
    }
}
