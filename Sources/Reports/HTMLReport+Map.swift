internal import Foundation

// The regions by longitude and latitude, with the links between them. Two drawings, one for wide
// and one for narrow screens, so that letters keep their size.
extension HTMLReport {
    func mapSection() -> String {
        """
        <section id="map"><h2>Where things are</h2>
        <p>Round trips as the cluster measured them (in brackets: the map’s). The ring marks the primary region: the network file \
        system lives there and nowhere else; the volume lives in all of them.</p>
        <div class="figure-box wide-only">\(regionMap(width: 1_000, height: 400))</div>
        <div class="figure-box narrow-only">\(regionMap(width: 360, height: 300))</div>
        </section>

        """
    }

    private struct Place {
        var region: ComparisonReport.MapSummary.Region
        var x: Double
        var y: Double
    }

    private func regionMap(width: Double, height: Double) -> String {
        let places = places(width: width, height: height)
        var lines = ""
        var labels = ""
        // A crowded map shows only the links of the primary region.
        let showsAll = places.count <= 5
        for (index, a) in places.enumerated() {
            for b in places[(index + 1)...] {
                guard let link = report.map.links.first(where: { $0.from == a.region.id && $0.to == b.region.id }) else { continue }
                let isPrimary = a.region.id == report.map.primary || b.region.id == report.map.primary
                guard showsAll || isPrimary else { continue }
                let (curve, middle) = arc(a, b)
                lines +=
                    "<path d=\"\(curve)\" fill=\"none\" stroke=\"var(--\(isPrimary ? "ink" : "soft"))\" "
                    + "stroke-opacity=\"\(isPrimary ? ".55" : ".4")\" "
                    + "stroke-width=\"\(isPrimary ? 2 : 1.5)\"\(isPrimary ? "" : " stroke-dasharray=\"4 4\"")/>"
                let shown = link.measuredRttMs ?? link.rttMs
                let aside = link.measuredRttMs == nil || width < 500 ? "" : " (\(Figure.milliseconds(link.rttMs)))"
                labels += text("\(Figure.milliseconds(shown)) ms\(aside)", middle.0, middle.1 - 6, anchor: "middle", size: 13, isHalo: true)
            }
        }
        var dots = ""
        for place in places {
            let isPrimary = place.region.id == report.map.primary
            if isPrimary {
                dots += "<circle cx=\"\(r(place.x))\" cy=\"\(r(place.y))\" r=\"12\" fill=\"none\" class=\"line-nfs\" stroke-width=\"3\"/>"
            }
            dots += "<g transform=\"translate(\(r(place.x)) \(r(place.y)))\">\(Self.volumeMark())</g>"
            let anchor = place.x < width * 0.2 ? "start" : place.x > width * 0.8 ? "end" : "middle"
            // Arcs rise to the north: names stand below their region, and above it at the top of the map.
            let top = place.y < height * 0.4 ? place.y - 32 : place.y + 28
            labels += text(place.region.id, place.x, top, anchor: anchor, size: 14, weight: 650, isHalo: true)
            labels += text(place.region.title, place.x, top + 17, anchor: anchor, size: 12, className: "soft", isHalo: true)
        }
        return
            "<svg viewBox=\"0 0 \(r(width)) \(r(height))\" role=\"img\" aria-label=\"Map of the regions and their round "
            + "trips\">\(graticule(width, height))\(lines)\(dots)\(labels)</svg>"
    }

    /// Longitude and latitude, stretched to fill the box.
    private func places(width: Double, height: Double) -> [Place] {
        let regions = report.map.regions
        let longitudes = regions.map(\.longitude)
        let latitudes = regions.map(\.latitude)
        func scaled(_ value: Double, _ values: [Double], _ low: Double, _ high: Double) -> Double {
            guard let least = values.min(), let most = values.max(), most > least else { return (low + high) / 2 }
            return low + (value - least) / (most - least) * (high - low)
        }
        return regions.map {
            Place(
                region: $0, x: scaled($0.longitude, longitudes, width * 0.07, width * 0.93),
                y: scaled($0.latitude, latitudes, height - 70, height * 0.3))
        }
    }

    private func arc(_ a: Place, _ b: Place) -> (path: String, middle: (Double, Double)) {
        let distance = hypot(b.x - a.x, b.y - a.y)
        let lift = distance * 0.22
        let control = ((a.x + b.x) / 2, (a.y + b.y) / 2 - lift)
        let middle = ((a.x + b.x) / 4 + control.0 / 2, (a.y + b.y) / 4 + control.1 / 2)
        return ("M\(r(a.x)) \(r(a.y))Q\(r(control.0)) \(r(control.1)) \(r(b.x)) \(r(b.y))", middle)
    }

    private func graticule(_ width: Double, _ height: Double) -> String {
        var out = ""
        for index in 1..<8 {
            let x = width * Double(index) / 8
            out += "<line class=\"grid\" stroke-opacity=\".6\" x1=\"\(r(x))\" x2=\"\(r(x))\" y1=\"0\" y2=\"\(r(height))\"/>"
        }
        for index in 1..<4 {
            let y = height * Double(index) / 4
            out += "<line class=\"grid\" stroke-opacity=\".6\" x1=\"0\" x2=\"\(r(width))\" y1=\"\(r(y))\" y2=\"\(r(y))\"/>"
        }
        return out
    }

    func r(_ value: Double) -> String { "\(Figure.rounded(value, 1))" }

    func text(
        _ content: String, _ x: Double, _ y: Double, anchor: String, size: Int, weight: Int = 400, className: String = "",
        isHalo: Bool = false
    ) -> String {
        let halo = isHalo ? " stroke=\"var(--paper)\" stroke-width=\"4\" paint-order=\"stroke\" stroke-linejoin=\"round\"" : ""
        return
            "<text x=\"\(r(x))\" y=\"\(r(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\" font-weight=\"\(weight)\" "
            + "class=\"\(className)\"\(halo)>\(escape(content))</text>"
    }
}
