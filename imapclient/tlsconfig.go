package imapclient

import (
	"crypto/tls"
	"crypto/x509"
	"reflect"
)

// A connection keeps its tls.Config, of half a kilobyte. Most are alike: those are shared.
var sharedConfigs shared[configKey, tls.Config]

// configKey has all that is set in configurations that are shared.
type configKey struct {
	MinVersion         uint16
	ServerName         string
	RootCAs            *x509.CertPool
	ClientSessionCache tls.ClientSessionCache
	InsecureSkipVerify bool
}

// configOf returns a configuration that is equal to cfg, which nobody changes any more.
func configOf(cfg *tls.Config) *tls.Config {
	v := reflect.ValueOf(cfg).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if _, compared := reflect.TypeFor[configKey]().FieldByName(f.Name); f.IsExported() && !compared && !v.Field(i).IsZero() {
			return cfg
		}
	}
	if cfg.ClientSessionCache != nil && !reflect.ValueOf(cfg.ClientSessionCache).Comparable() {
		return cfg
	}
	key := configKey{cfg.MinVersion, cfg.ServerName, cfg.RootCAs, cfg.ClientSessionCache, cfg.InsecureSkipVerify}
	return sharedConfigs.get(key, func() *tls.Config { return cfg })
}
